"""Runs and their steps."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import display

from apps.core.admin_base import StaffInline, StaffModelAdmin, button
from apps.core.staff.actions import StaffAction
from apps.core.staff.display import NOTHING, json_block, list_url, row_link, state_tag, when
from apps.core.staff.lists import DaysFilter, LastWeekFilter
from apps.core.templatetags.levqor import duration
from apps.workflows.models import Run, StepRun
from apps.workflows.services.cancelling import cancel_run
from apps.workflows.services.waking import wake_run

ERROR = _("Error")
CHANGE_RUN = "workflows.change_run"
TONES = {
    "queued": "",
    "pending": "",
    "running": "go",
    "waiting": "wait",
    "succeeded": "ok",
    "failed": "bad",
    "cancelled": "",
    "skipped": "",
}
LIST_DEFERRED = ("trigger_data", "inputs", "output", "error")


def _took(row: Run | StepRun) -> str:
    if row.started_at is None or row.finished_at is None:
        return NOTHING
    return duration(row.finished_at - row.started_at)


class StepInline(StaffInline):
    """The run's timeline, a page at a time."""

    model = StepRun
    fields = ("path_link", "type", "shown_state", "attempt", "started", "took", "reason")
    ordering = ("position", "pk")
    verbose_name_plural = _("steps")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Without what went in and came out."""
        return super().get_queryset(request).defer("input", "output", "attempts", "signal")

    @display(description=_("step"))
    def path_link(self, obj: StepRun) -> str:
        """Its page."""
        return row_link(obj, obj.path)

    @display(description=_("state"))
    def shown_state(self, obj: StepRun) -> str:
        """In words and colour."""
        return state_tag(obj, TONES)

    @display(description=_("started"))
    def started(self, obj: StepRun) -> str:
        """When."""
        return when(obj.started_at)

    @display(description=_("took"))
    def took(self, obj: StepRun) -> str:
        """From start to end."""
        return _took(obj)

    @display(description=_("error, or what it waits for"))
    def reason(self, obj: StepRun) -> str:
        """Why it is where it is."""
        if obj.error:
            return f"{obj.error.get('code', '')}: {obj.error.get('message', '')}"[:160]
        return obj.get_waiting_for_display() or NOTHING


@admin.register(Run)
class RunAdmin(StaffModelAdmin):
    """What ran, runs and waits. Rows are changed by the engine; staff cancel and wake."""

    list_display = (
        "short_id",
        "workflow_link",
        "organization_link",
        "shown_state",
        "trigger_kind",
        "priority",
        "created",
        "took",
    )
    list_select_related = ("workflow", "organization")
    list_defer = (*LIST_DEFERRED, "workflow__description")
    list_filter = (
        LastWeekFilter,
        ("state", ChoicesDropdownFilter),
        ("organization", AutocompleteSelectFilter),
        ("workflow", AutocompleteSelectFilter),
        ("trigger_kind", ChoicesDropdownFilter),
        ("created_at", DaysFilter),
    )
    search_help_text = _("Paste a run_… id")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("full_id", "shown_state"),
                    ("workflow_link", "version_link"),
                    ("organization_link", "trigger_kind"),
                    ("created", "creator"),
                    ("started", "finished"),
                    ("took", "priority"),
                )
            },
        ),
        (ERROR, {"fields": ("shown_error",)}),
        (
            _("Engine"),
            {
                "classes": ("collapse",),
                "fields": (
                    ("due", "deadline"),
                    ("leased_until", "claims"),
                    ("cancel_asked", "concurrency_key"),
                    ("revision", "depth"),
                    ("parent_run", "idempotency_key"),
                    "livemode",
                ),
            },
        ),
        (
            _("Data"),
            {"classes": ("collapse",), "fields": ("shown_inputs", "shown_trigger_data", "shown_output")},
        ),
    )
    inlines = (StepInline,)
    staff_actions = (
        StaffAction(
            name="cancel",
            label=_("Cancel run"),
            question=_("The run and the subflows that it waits for end. Steps that are done stay done."),
            permission=CHANGE_RUN,
            do=lambda request, row: cancel_run(row),
            icon="cancel",
            applies=lambda row: not row.finished,
            danger=True,
        ),
        StaffAction(
            name="wake",
            label=_("Wake run"),
            question=_("The run is due now: a worker looks at it at once. One that waits for an answer waits again."),
            permission=CHANGE_RUN,
            do=lambda request, row: wake_run(row),
            icon="alarm",
            audit="workflows.run_woken",
            applies=lambda row: not row.finished,
        ),
    )

    def links(self, request: HttpRequest, row: Run) -> list[dict[str, Any]]:
        """To its steps as a list."""
        return [button(_("Steps"), list_url(StepRun, run__id__exact=row.pk, period="any"), "list")]

    def get_fieldsets(self, request: HttpRequest, obj: Run | None = None) -> Any:
        """No empty place for an error."""
        return [part for part in self.fieldsets if part[0] != ERROR or (obj is not None and obj.error)]

    def get_queryset(self, request: HttpRequest) -> Any:
        """With what the page names."""
        return super().get_queryset(request).select_related("workflow", "organization")

    @display(description=_("workflow"))
    def workflow_link(self, obj: Run) -> str:
        """What ran."""
        return row_link(obj.workflow)

    @display(description=_("version"))
    def version_link(self, obj: Run) -> str:
        """In which version."""
        return row_link(obj.version)

    @display(description=_("state"))
    def shown_state(self, obj: Run) -> str:
        """In words and colour."""
        return state_tag(obj, TONES)

    @display(description=_("person"))
    def creator(self, obj: Run) -> str:
        """The person, where one did."""
        return row_link(obj.created_by)

    @display(description=_("started"))
    def started(self, obj: Run) -> str:
        """When."""
        return when(obj.started_at)

    @display(description=_("finished"))
    def finished(self, obj: Run) -> str:
        """When."""
        return when(obj.finished_at)

    @display(description=_("took"))
    def took(self, obj: Run) -> str:
        """From start to end."""
        return _took(obj)

    @display(description=_("due"))
    def due(self, obj: Run) -> str:
        """When a worker may take it."""
        return when(obj.due_at)

    @display(description=_("deadline"))
    def deadline(self, obj: Run) -> str:
        """When its time is over."""
        return when(obj.deadline_at)

    @display(description=_("leased until"))
    def leased_until(self, obj: Run) -> str:
        """How long its worker may be silent."""
        return when(obj.lease_until)

    @display(description=_("cancel requested"))
    def cancel_asked(self, obj: Run) -> str:
        """When."""
        return when(obj.cancel_requested_at)

    @display(description=_("run that it is a subflow of"))
    def parent_run(self, obj: Run) -> str:
        """One that waits for it."""
        return row_link(obj.parent_step.run) if obj.parent_step else NOTHING

    @display(description=_("error"))
    def shown_error(self, obj: Run) -> str:
        """Code, words and step."""
        return json_block(obj.error)

    @display(description=_("inputs"))
    def shown_inputs(self, obj: Run) -> str:
        """As JSON."""
        return json_block(obj.inputs)

    @display(description=_("trigger data"))
    def shown_trigger_data(self, obj: Run) -> str:
        """As JSON."""
        return json_block(obj.trigger_data)

    @display(description=_("output"))
    def shown_output(self, obj: Run) -> str:
        """As JSON."""
        return json_block(obj.output)


@admin.register(StepRun)
class StepRunAdmin(StaffModelAdmin):
    """Single steps."""

    list_display = ("short_id", "path", "type", "run_link", "organization_link", "shown_state", "attempt", "took")
    list_select_related = ("organization",)
    list_defer = ("input", "output", "error", "attempts", "signal")
    list_filter = (
        LastWeekFilter,
        ("state", ChoicesDropdownFilter),
        ("waiting_for", ChoicesDropdownFilter),
        ("organization", AutocompleteSelectFilter),
        ("started_at", DaysFilter),
    )
    lookups = ("run",)
    search_help_text = _("Paste a step_… id")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("full_id", "shown_state"),
                    ("path", "name"),
                    ("type", "waits_for"),
                    ("run_link", "organization_link"),
                    ("started", "finished"),
                    ("took", "due"),
                    ("attempt", "interruptions"),
                )
            },
        ),
        (_("Error"), {"fields": ("shown_error", "shown_attempts")}),
        (_("Data"), {"fields": ("shown_input", "shown_output", "shown_signal")}),
    )

    @display(description=_("run"))
    def run_link(self, obj: StepRun) -> str:
        """Whose step (its id needs no query)."""
        return row_link(Run(pk=obj.run_id), Run(pk=obj.run_id).public_id[:12] + "…")

    @display(description=_("state"))
    def shown_state(self, obj: StepRun) -> str:
        """In words and colour."""
        return state_tag(obj, TONES)

    @display(description=_("waits for"))
    def waits_for(self, obj: StepRun) -> str:
        """What has to happen."""
        return obj.get_waiting_for_display() or NOTHING

    @display(description=_("started"))
    def started(self, obj: StepRun) -> str:
        """When."""
        return when(obj.started_at)

    @display(description=_("finished"))
    def finished(self, obj: StepRun) -> str:
        """When."""
        return when(obj.finished_at)

    @display(description=_("took"))
    def took(self, obj: StepRun) -> str:
        """From start to end."""
        return _took(obj)

    @display(description=_("due"))
    def due(self, obj: StepRun) -> str:
        """When it is looked at again."""
        return when(obj.due_at)

    @display(description=_("error"))
    def shown_error(self, obj: StepRun) -> str:
        """Code and words."""
        return json_block(obj.error)

    @display(description=_("earlier attempts"))
    def shown_attempts(self, obj: StepRun) -> str:
        """What went wrong before."""
        return json_block(obj.attempts)

    @display(description=_("input"))
    def shown_input(self, obj: StepRun) -> str:
        """What went in, secrets hidden."""
        return json_block(obj.input)

    @display(description=_("output"))
    def shown_output(self, obj: StepRun) -> str:
        """What came out."""
        return json_block(obj.output)

    @display(description=_("answer from outside"))
    def shown_signal(self, obj: StepRun) -> str:
        """An approval, or a subflow's result."""
        return json_block(obj.signal)
