"""Workflows, their versions and triggers, and the names in the vault."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, BooleanRadioFilter, ChoicesDropdownFilter
from unfold.decorators import display

from apps.core.admin_base import StaffInline, StaffModelAdmin, button
from apps.core.staff.actions import StaffAction
from apps.core.staff.display import NOTHING, json_block, list_url, numbered, row_link, tag, when
from apps.core.staff.lists import DaysFilter, PeriodFilter
from apps.workflows.models import Run, Secret, Trigger, Workflow, WorkflowVersion
from apps.workflows.services.publishing import set_enabled
from apps.workflows.services.trigger_settings import switch_trigger

CHANGE_WORKFLOW, CHANGE_TRIGGER = "workflows.change_workflow", "workflows.change_trigger"


class VersionInline(StaffInline):
    """What was published, the newest first."""

    model = WorkflowVersion
    fields = ("number_link", "message", "created_by", "created_at")
    ordering = ("-number",)
    per_page = 10

    def get_queryset(self, request: HttpRequest) -> Any:
        """Without the texts."""
        return super().get_queryset(request).select_related("created_by").defer("source", "definition")

    @display(description=_("number"))
    def number_link(self, obj: WorkflowVersion) -> str:
        """Its page."""
        return row_link(obj)


class TriggerInline(StaffInline):
    """What starts it by itself."""

    model = Trigger
    fields = ("name_link", "kind", "enabled", "last_fired_at", "last_outcome", "due_at")
    ordering = ("name",)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Without the secrets."""
        return super().get_queryset(request).defer("signing_secret", "config")

    @display(description=_("name"))
    def name_link(self, obj: Trigger) -> str:
        """Its page."""
        return row_link(obj, obj.name)


@admin.register(Workflow)
class WorkflowAdmin(StaffModelAdmin):
    """Workflows of all organizations."""

    list_display = ("name", "short_id", "organization_link", "version", "shown_state", "created")
    list_select_related = ("organization", "latest_version")
    list_defer = ("description", "latest_version__source", "latest_version__definition")
    list_filter = (("organization", AutocompleteSelectFilter), ("enabled", BooleanRadioFilter))
    list_before_template = None
    search_fields = ("slug__exact", "name__icontains")
    search_help_text = _("Name, slug or wf_…")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("name", "slug"),
                    ("full_id", "shown_state"),
                    ("organization_link", "version"),
                    ("created_by", "created"),
                    "description",
                )
            },
        ),
        (_("Newest version"), {"fields": ("source",)}),
    )
    inlines = (TriggerInline, VersionInline)
    staff_actions = (
        StaffAction(
            name="pause-triggers",
            label=_("Pause triggers"),
            question=_("Schedules and webhooks start no runs any more. Runs that go on are not touched."),
            permission=CHANGE_WORKFLOW,
            do=lambda request, row: set_enabled(row, enabled=False),
            icon="pause",
            applies=lambda row: row.enabled,
            danger=True,
        ),
        StaffAction(
            name="resume-triggers",
            label=_("Resume triggers"),
            question=_("Schedules and webhooks start runs again."),
            permission=CHANGE_WORKFLOW,
            do=lambda request, row: set_enabled(row, enabled=True),
            icon="resume",
            applies=lambda row: not row.enabled,
        ),
    )

    def links(self, request: HttpRequest, row: Workflow) -> list[dict[str, Any]]:
        """To its runs."""
        return [button(_("Runs"), list_url(Run, workflow__id__exact=row.pk), "play_circle")]

    @display(description=_("version"))
    def version(self, obj: Workflow) -> str:
        """The newest one's number."""
        return row_link(obj.latest_version)

    @display(description=_("state"))
    def shown_state(self, obj: Workflow) -> str:
        """In use, paused or archived."""
        if obj.archived_at:
            return tag(_("archived"))
        return tag(_("in use"), "ok") if obj.enabled else tag(_("triggers paused"), "wait")

    @display(description=_("source"))
    def source(self, obj: Workflow) -> str:
        """The text of the newest version."""
        return numbered(obj.latest_version.source) if obj.latest_version else NOTHING


@admin.register(WorkflowVersion)
class WorkflowVersionAdmin(StaffModelAdmin):
    """Published texts: immutable."""

    list_display = ("short_id", "workflow_link", "number", "organization_link", "message", "author", "created")
    list_select_related = ("workflow", "organization", "created_by")
    list_defer = ("source", "definition", "workflow__description")
    list_filter = (PeriodFilter, ("organization", AutocompleteSelectFilter), ("created_at", DaysFilter))
    lookups = ("workflow",)
    search_help_text = _("Paste a wfv_… id")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("full_id", "number"),
                    ("workflow_link", "organization_link"),
                    ("author", "created"),
                    "message",
                    "digest",
                )
            },
        ),
        (_("Source"), {"fields": ("shown_source",)}),
    )

    @display(description=_("workflow"))
    def workflow_link(self, obj: WorkflowVersion) -> str:
        """Whose version."""
        return row_link(obj.workflow)

    @display(description=_("author"))
    def author(self, obj: WorkflowVersion) -> str:
        """Who published it."""
        return row_link(obj.created_by)

    @display(description=_("source"))
    def shown_source(self, obj: WorkflowVersion) -> str:
        """With line numbers."""
        return numbered(obj.source)


@admin.register(Trigger)
class TriggerAdmin(StaffModelAdmin):
    """Schedules and webhooks. A webhook's signing secret is never shown to staff."""

    list_display = ("name", "kind", "workflow_link", "organization_link", "shown_state", "fired", "next_due")
    list_select_related = ("workflow", "organization")
    list_defer = ("config", "signing_secret", "workflow__description")
    list_filter = (("kind", ChoicesDropdownFilter), ("organization", AutocompleteSelectFilter))
    list_before_template = None
    lookups = ("workflow",)
    search_fields = ("name__istartswith",)
    search_help_text = _("Name or trg_…")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("full_id", "shown_state"),
                    ("name", "kind"),
                    ("workflow_link", "organization_link"),
                    ("fired", "next_due"),
                    "last_outcome",
                )
            },
        ),
        (_("Configuration"), {"fields": ("shown_config",)}),
    )
    staff_actions = (
        StaffAction(
            name="switch-off",
            label=_("Switch off"),
            question=_("The trigger starts no runs any more."),
            permission=CHANGE_TRIGGER,
            do=lambda request, row: switch_trigger(row, enabled=False),
            icon="pause",
            applies=lambda row: row.enabled,
            danger=True,
        ),
        StaffAction(
            name="switch-on",
            label=_("Switch on"),
            question=_("The trigger starts runs again."),
            permission=CHANGE_TRIGGER,
            do=lambda request, row: switch_trigger(row, enabled=True),
            icon="resume",
            applies=lambda row: not row.enabled,
        ),
    )

    @display(description=_("workflow"))
    def workflow_link(self, obj: Trigger) -> str:
        """What it starts."""
        return row_link(obj.workflow)

    @display(description=_("state"))
    def shown_state(self, obj: Trigger) -> str:
        """On or off; a paused workflow has no say here."""
        return tag(_("on"), "ok") if obj.enabled else tag(_("off"), "wait")

    @display(description=_("last fired"))
    def fired(self, obj: Trigger) -> str:
        """When."""
        return when(obj.last_fired_at)

    @display(description=_("next slot"))
    def next_due(self, obj: Trigger) -> str:
        """For a schedule."""
        return when(obj.slot)

    @display(description=_("configuration"))
    def shown_config(self, obj: Trigger) -> str:
        """As the version declares it."""
        return json_block(obj.config)


@admin.register(Secret)
class SecretAdmin(StaffModelAdmin):
    """Names in the vault. Values go in and never come out, not even here."""

    list_display = ("name", "organization_link", "updater", "updated")
    list_select_related = ("organization", "updated_by")
    list_defer = ("value",)
    list_filter = (("organization", AutocompleteSelectFilter),)
    list_before_template = None
    search_fields = ("name__exact",)
    search_help_text = _("Exact name, or sec_…")
    fieldsets = ((None, {"fields": (("name", "full_id"), "organization_link", ("updater", "updated"), "created")}),)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Never with the value."""
        return super().get_queryset(request).defer("value")

    @display(description=_("stored by"))
    def updater(self, obj: Secret) -> str:
        """Who stored the present value."""
        return row_link(obj.updated_by)

    @display(description=_("stored"))
    def updated(self, obj: Secret) -> str:
        """When."""
        return when(obj.updated_at)
