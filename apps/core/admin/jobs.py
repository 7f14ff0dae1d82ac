"""The calendar: beat's rows, and the runs of scheduled jobs."""

from textwrap import shorten
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django_celery_beat.models import PeriodicTask
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display

from apps.core.admin_base import StaffModelAdmin, button
from apps.core.job_controls import follow_declaration, job_of, request_run, reschedule, set_paused
from apps.core.job_schedules import DECLARED, JOB_PREFIX, expression_of, is_edited
from apps.core.kinds import ScheduledJob
from apps.core.models import JobRun
from apps.core.registry import registry
from apps.core.staff import job_pages
from apps.core.staff.actions import StaffAction
from apps.core.staff.display import NOTHING, list_url, state_tag, tag, text_block, when
from apps.core.staff.lists import DaysFilter, KnownValuesFilter, PeriodFilter
from apps.core.templatetags.levqor import duration

TONES = {"running": "go", "succeeded": "ok", "failed": "bad", "skipped": ""}


class KindFilter(DropdownFilter):
    """Jobs by the calendar, or the ticks behind the doorbells."""

    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        """Django's hook."""
        return [("job", _("Scheduled jobs")), ("tick", _("Ticks"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Django's hook."""
        return queryset.filter(name__startswith=f"{self.value()}:") if self.value() else queryset


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(StaffModelAdmin):
    """What beat starts. Rows come from declarations in the code; staff choose another schedule, pause, or run now."""

    called = (_("scheduled job"), _("scheduled jobs"))
    list_display = ("label", "schedule_text", "shown_state", "next_run", "history", "last_run")
    list_filter = (KindFilter,)
    list_select_related = ("crontab", "interval")
    list_before_template = None
    search_fields = ("name", "task")
    search_help_text = _("Search by name")
    ordering = ("name",)
    editable = ("crontab",)
    autocomplete_fields = ("crontab",)
    fieldsets = (
        (
            None,
            {"fields": (("label", "code_name"), ("shown_state", "last_run"), ("next_run", "missed"), "trouble")},
        ),
        (_("Schedule"), {"fields": ("crontab", ("in_words", "declared"))}),
        (_("Runs"), {"fields": ("durations", "history")}),
    )
    staff_actions = (
        StaffAction(
            name="run-now",
            label=_("Run now"),
            question=_("A worker runs the job once, outside its schedule. What it does is recorded as a job run."),
            permission="django_celery_beat.change_periodictask",
            do=lambda request, row: request_run(str(row.name).removeprefix(JOB_PREFIX)),
            icon="play_arrow",
            audit="jobs.run_ordered",
            applies=lambda row: job_of(row) is not None and row.enabled,
        ),
        StaffAction(
            name="pause",
            label=_("Pause"),
            question=_(
                "The job is not started by its schedule until somebody lets it go on. Its slots until then are lost."
            ),
            permission="django_celery_beat.change_periodictask",
            do=lambda request, row: set_paused(row, paused=True),
            icon="pause",
            audit="jobs.paused",
            applies=lambda row: job_of(row) is not None and row.enabled,
            danger=True,
        ),
        StaffAction(
            name="resume",
            label=_("Let it go on"),
            question=_("The job is started by its schedule again."),
            permission="django_celery_beat.change_periodictask",
            do=lambda request, row: set_paused(row, paused=False),
            icon="resume",
            audit="jobs.resumed",
            applies=lambda row: job_of(row) is not None and not row.enabled,
        ),
        StaffAction(
            name="follow-code",
            label=_("Back to the declared schedule"),
            question=_("The job gets the schedule that the code declares, also when a later version changes it."),
            permission="django_celery_beat.change_periodictask",
            do=lambda request, row: follow_declaration(row),
            icon="undo",
            audit="jobs.schedule_reset",
            applies=lambda row: job_of(row) is not None and is_edited(row),
        ),
    )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Ticks are what everything stands on: their rows are not edited."""
        return super().has_change_permission(request, obj) and (obj is None or job_of(obj) is not None)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Django's hook: the list's rows, with how their jobs are."""
        found = super().get_changelist_instance(request)
        job_pages.attach(found.result_list)
        return found

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Django's hook: one row, with how its job is."""
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            job_pages.attach([row], most=job_pages.MOST_CHARTED)
        return row

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Django's hook: in our words."""
        field = super().formfield_for_foreignkey(db_field, request, **options)
        field.label, field.required = _("Schedule"), True
        field.help_text = _("It counts from now on, and stays when a new version of Levqor is installed.")
        return field

    def save_model(self, request: HttpRequest, obj: PeriodicTask, form: Any, change: bool) -> None:
        """A schedule that staff chose counts from now on."""
        reschedule(obj, obj.crontab)

    @display(description=_("job"))
    def label(self, obj: PeriodicTask) -> str:
        """What it does, in words."""
        job = job_of(obj)
        return str(job.label) if job else str(obj.name).removeprefix("tick:").replace("_", " ")

    @display(description=_("name"))
    def code_name(self, obj: PeriodicTask) -> str:
        """As the code calls it."""
        return str(obj.name)

    @display(description=_("schedule"))
    def schedule_text(self, obj: PeriodicTask) -> str:
        """When it is due, in words and as the code writes it."""
        if obj.crontab is None:
            return str(obj.interval or NOTHING)
        return job_pages.schedule_words(expression_of(obj.crontab), str(obj.crontab.timezone))

    @display(description=_("in words"))
    def in_words(self, obj: PeriodicTask) -> str:
        """The chosen schedule."""
        return str(self.schedule_text(obj))

    @display(description=_("state"))
    def shown_state(self, obj: Any) -> str:
        """Well, paused or in trouble."""
        return job_pages.health_tag(obj)

    @display(description=_("trouble"))
    def trouble(self, obj: Any) -> str:
        """What is wrong with it; else how its last run failed, though by hand or to be tried again."""
        if obj.job_health and obj.job_health.why:
            return str(obj.job_health.why)
        last = obj.job_runs[-1] if obj.job_runs else None
        if last is None or last.state != JobRun.State.FAILED:
            return NOTHING
        return str(_("Its last run failed: %(error)s")) % {"error": shorten(last.outcome, 300, placeholder=" …")}

    @display(description=_("next run"))
    def next_run(self, obj: Any) -> str:
        """When its schedule starts it next."""
        return when(obj.job_health.next_slot) if obj.job_health else NOTHING

    @display(description=_("missed slots"))
    def missed(self, obj: PeriodicTask) -> str:
        """What is made up for after a downtime."""
        job = job_of(obj)
        return str(job_pages.POLICIES[job.catch_up]) if job else NOTHING

    @display(description=_("declared in the code as"))
    def declared(self, obj: PeriodicTask) -> str:
        """The schedule that the code declares."""
        text = str(obj.description).removeprefix(DECLARED)
        return format_html("{} {}", text, tag(_("changed by staff"), "wait")) if is_edited(obj) else text

    @display(description=_("last runs"))
    def history(self, obj: Any) -> str:
        """The last runs, the newest at the right."""
        return job_pages.dots(obj.job_runs)

    @display(description=_("duration"))
    def durations(self, obj: Any) -> str:
        """How long the last runs took."""
        return job_pages.duration_chart(obj.job_runs)

    @display(description=_("last run"))
    def last_run(self, obj: Any) -> str:
        """When the newest run began; for a tick, when beat last wrote it down."""
        begun = [run.started_at for run in obj.job_runs if run.attempt and run.state != JobRun.State.SKIPPED]
        return when(begun[-1] if begun else obj.last_run_at if job_of(obj) is None else None)

    def title_of(self, row: PeriodicTask) -> str:
        """What it does, in words."""
        return str(self.label(row))

    def links(self, request: HttpRequest, row: PeriodicTask) -> list[dict[str, Any]]:
        """To the runs of the job."""
        job = job_of(row)
        return [button(_("Its runs"), list_url(JobRun, job=job.name), "list")] if job else []


class JobFilter(KnownValuesFilter):
    """By job, from the registry."""

    title = _("job")
    parameter_name = "job"

    def options(self) -> Any:
        """From the registry."""
        return [(job.name, job.label) for job in registry(ScheduledJob).all()]


@admin.register(JobRun)
class JobRunAdmin(StaffModelAdmin):
    """Each slot of each job: when, how long, what came of it."""

    list_defer = ("log",)
    list_display = ("job_label", "slot_time", "shown_state", "took", "tries", "next_try", "outcome_start")
    list_filter = (PeriodFilter, JobFilter, ("state", ChoicesDropdownFilter), ("started_at", DaysFilter))
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("job_label", "shown_state"),
                    ("slot", "ordered_by"),
                    ("started_at", "finished_at"),
                    "took",
                    ("tries", "next_try"),
                )
            },
        ),
        (_("Outcome"), {"fields": ("shown_outcome",)}),
        (_("Log"), {"fields": ("shown_log",)}),
    )

    @display(description=_("job"))
    def job_label(self, obj: JobRun) -> str:
        """What it does, in words."""
        job = registry(ScheduledJob).find(obj.job)
        return str(job.label) if job else obj.job

    @display(description=_("slot"))
    def slot_time(self, obj: JobRun) -> str:
        """The time that it was due."""
        return when(obj.slot)

    @display(description=_("state"))
    def shown_state(self, obj: JobRun) -> str:
        """In words and colour; what was ordered and waits for a worker is told apart, and what is to be retried."""
        if not obj.attempt:
            return tag(_("ordered"), "wait")
        retried = obj.due_at and obj.state == JobRun.State.FAILED
        return tag(_("failed, to be retried"), "wait") if retried else state_tag(obj, TONES)

    @display(description=_("ordered by"))
    def ordered_by(self, obj: JobRun) -> str:
        """What made it run."""
        return str(_("hand") if obj.by_hand else _("its schedule"))

    @display(description=_("attempt"))
    def tries(self, obj: JobRun) -> str:
        """How often it was begun, of how many times at most."""
        job = registry(ScheduledJob).find(obj.job)
        text = _("%(number)s of %(most)s") % {"number": obj.attempt, "most": job.retries + 1} if job else obj.attempt
        return str(text)

    @display(description=_("next try"))
    def next_try(self, obj: JobRun) -> str:
        """When a slot that failed is begun again."""
        return when(obj.due_at if obj.state == JobRun.State.FAILED else None)

    @display(description=_("took"))
    def took(self, obj: JobRun) -> str:
        """From its start to its end."""
        return duration(obj.finished_at - obj.started_at) if obj.finished_at else NOTHING

    @display(description=_("outcome"))
    def outcome_start(self, obj: JobRun) -> str:
        """The beginning of what it reported."""
        return shorten(obj.outcome, 90, placeholder=" …")

    @display(description=_("outcome"))
    def shown_outcome(self, obj: JobRun) -> str:
        """All of it."""
        return text_block(obj.outcome)

    @display(description=_("what it logged"))
    def shown_log(self, obj: JobRun) -> str:
        """The newest lines; of a run that goes on, as of its last heartbeat."""
        return text_block(obj.log)

    def title_of(self, row: JobRun) -> str:
        """The job, in words."""
        return str(self.job_label(row))

    def links(self, request: HttpRequest, row: JobRun) -> list[dict[str, Any]]:
        """To the job's schedule."""
        return [button(_("Its schedule"), list_url(PeriodicTask, q=f"{JOB_PREFIX}{row.job}"), "schedule")]
