"""The calendar: beat's rows, the runs of scheduled jobs, and the schedules that there are to choose from."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Substr
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display

from apps.core import cron
from apps.core.admin_base import StaffModelAdmin, button
from apps.core.errors import DomainError
from apps.core.job_controls import job_of, request_run, set_paused
from apps.core.job_schedules import JOB_PREFIX
from apps.core.kinds import ScheduledJob
from apps.core.models import JobRun
from apps.core.registry import registry
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

    list_display = ("label", "schedule_text", "shown_enabled", "last_outcome", "last_run")
    list_filter = (KindFilter,)
    list_select_related = ("crontab", "interval")
    list_before_template = None
    search_fields = ("name", "task")
    search_help_text = _("Search by name")
    ordering = ("name",)
    editable = ("crontab",)
    autocomplete_fields = ("crontab",)
    fieldsets = (
        (None, {"fields": (("label", "code_name"), ("shown_enabled", "last_run"), ("last_outcome", "declared"))}),
        (_("Schedule"), {"fields": ("crontab", "schedule_text")}),
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
            question=_("The job is not started by its schedule until somebody lets it go on. Missed slots are lost."),
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
    )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Ticks are what everything stands on: their rows are not edited."""
        return super().has_change_permission(request, obj) and (obj is None or job_of(obj) is not None)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Each row with the newest run of its job (found by the index on job and slot)."""
        newest = JobRun.objects.filter(job=Substr(OuterRef("name"), len(JOB_PREFIX) + 1)).order_by("-slot")
        annotated = {name: Subquery(newest.values(name)[:1]) for name in ("state", "started_at")}
        return super().get_queryset(request).annotate(**{f"newest_{name}": what for name, what in annotated.items()})

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
        """When it is due."""
        if obj.crontab is not None:
            entry = obj.crontab
            fields = (entry.minute, entry.hour, entry.day_of_month, entry.month_of_year, entry.day_of_week)
            return f"{' '.join(fields)} ({entry.timezone})"
        return str(obj.interval or NOTHING)

    @display(description=_("state"))
    def shown_enabled(self, obj: PeriodicTask) -> str:
        """On, or paused."""
        return tag(_("on"), "ok") if obj.enabled else tag(_("paused"), "wait")

    @display(description=_("declared in the code as"))
    def declared(self, obj: PeriodicTask) -> str:
        """The schedule that the code declares."""
        return str(obj.description).removeprefix("declared: ")

    @display(description=_("last outcome"))
    def last_outcome(self, obj: Any) -> str:
        """How the newest run ended."""
        state = obj.newest_state
        return tag(JobRun.State(state).label, TONES[state]) if state else NOTHING

    @display(description=_("last run"))
    def last_run(self, obj: Any) -> str:
        """When the newest run began; for a tick, when beat last wrote it down."""
        return when(obj.newest_started_at or obj.last_run_at)

    def title_of(self, row: PeriodicTask) -> str:
        """What it does, in words."""
        return str(self.label(row))

    def links(self, request: HttpRequest, row: PeriodicTask) -> list[dict[str, Any]]:
        """To the runs of the job."""
        job = job_of(row)
        return [button(_("Its runs"), list_url(JobRun, job=job.name), "list")] if job else []


class CrontabForm(forms.ModelForm):
    """Five fields and a zone that our own calendar understands too."""

    class Meta:
        model = CrontabSchedule
        fields = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week", "timezone")

    def clean(self) -> dict[str, Any]:
        """Refuse what never fires or what only one of the two calendars takes."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            names = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
            try:
                cron.check(" ".join(given[name] for name in names), str(given["timezone"]))
            except DomainError as refusal:
                raise forms.ValidationError(str(refusal.detail)) from refusal
        return given


@admin.register(CrontabSchedule)
class CrontabScheduleAdmin(StaffModelAdmin):
    """Schedules to choose from. They are shared, so they are added and never changed."""

    form = CrontabForm
    list_display = ("expression", "timezone", "used_by")
    list_before_template = None
    search_fields = ("minute", "hour", "timezone")
    search_help_text = _("Search by minute, hour or zone")
    ordering = ("hour", "minute", "pk")
    fieldsets = ((None, {"fields": ("expression", "timezone", "used_by")}),)
    add_fieldsets = (
        (None, {"fields": ("minute", "hour", "day_of_month", "month_of_year", "day_of_week", "timezone")}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whoever may choose schedules may add one."""
        return bool(request.user.has_perm("django_celery_beat.add_crontabschedule"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """A new one is typed in."""
        return super().get_readonly_fields(request, obj) if obj else []

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the rows that use each."""
        return super().get_queryset(request).prefetch_related("periodictask_set")

    @display(description=_("schedule"))
    def expression(self, obj: CrontabSchedule) -> str:
        """Its five fields."""
        return " ".join((obj.minute, obj.hour, obj.day_of_month, obj.month_of_year, obj.day_of_week))

    @display(description=_("used by"))
    def used_by(self, obj: CrontabSchedule) -> str:
        """The jobs that follow it."""
        return ", ".join(sorted(str(task.name) for task in obj.periodictask_set.all())) or NOTHING


@admin.register(IntervalSchedule)
class IntervalScheduleAdmin(StaffModelAdmin):
    """The steps of the ticks."""

    list_display = ("__str__", "used_by")
    list_before_template = None
    search_fields = ("every",)
    search_help_text = _("Search by number")
    ordering = ("period", "every")
    fieldsets = ((None, {"fields": ("every", "period", "used_by")}),)

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the rows that use each."""
        return super().get_queryset(request).prefetch_related("periodictask_set")

    @display(description=_("used by"))
    def used_by(self, obj: IntervalSchedule) -> str:
        """The ticks that follow it."""
        return ", ".join(sorted(str(task.name) for task in obj.periodictask_set.all())) or NOTHING


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
        return tag(_("failed, to be retried"), "wait") if obj.due_at else state_tag(obj, TONES)

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
        return when(obj.due_at)

    @display(description=_("took"))
    def took(self, obj: JobRun) -> str:
        """From its start to its end."""
        return duration(obj.finished_at - obj.started_at) if obj.finished_at else NOTHING

    @display(description=_("outcome"))
    def outcome_start(self, obj: JobRun) -> str:
        """The beginning of what it reported."""
        return obj.outcome[:90]

    @display(description=_("outcome"))
    def shown_outcome(self, obj: JobRun) -> str:
        """All of it."""
        return text_block(obj.outcome)

    def title_of(self, row: JobRun) -> str:
        """The job, in words."""
        return str(self.job_label(row))

    def links(self, request: HttpRequest, row: JobRun) -> list[dict[str, Any]]:
        """To the job's schedule."""
        return [button(_("Its schedule"), list_url(PeriodicTask, q=f"{JOB_PREFIX}{row.job}"), "schedule")]
