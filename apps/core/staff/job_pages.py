"""How jobs look to staff: their schedule in words, how they are, their last runs as dots and as a chart."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Q, Subquery
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_celery_beat.models import PeriodicTask

from apps.core import cron
from apps.core.charts import Point, Series, stacked_bars
from apps.core.job_controls import job_of
from apps.core.job_health import look
from apps.core.job_schedules import JOB_PREFIX
from apps.core.kinds import ScheduledJob
from apps.core.models import JobRun, JobState
from apps.core.registry import registry
from apps.core.staff.display import NOTHING, list_url, row_url, tag
from apps.core.templatetags.levqor import duration

MOST_DOTS, MOST_CHARTED = 12, 40
TONES = {"running": "go", "succeeded": "ok", "failed": "bad", "skipped": ""}
POLICIES = {
    "skip": gettext_lazy("are not made up for"),
    "latest": gettext_lazy("the newest is made up for"),
    "all": gettext_lazy("each is made up for"),
}
SERIES = (
    Series("succeeded", gettext_lazy("Succeeded"), "ok"),
    Series("failed", gettext_lazy("Failed"), "bad"),
)
HEALTH = {
    "ok": (gettext_lazy("on time"), "ok"),
    "paused": (gettext_lazy("paused"), "wait"),
    "late": (gettext_lazy("late"), "bad"),
    "failing": (gettext_lazy("failing"), "bad"),
    "never_ran": (gettext_lazy("never ran"), "bad"),
}


@dataclass(frozen=True)
class JobLink:
    """The way from an empty page to the job that fills it: its page, and the question whether to run it now, each
    where this member of staff may go there."""

    label: str
    url: str = ""
    run_url: str = ""


def job_links(request: HttpRequest, names: Iterable[str]) -> list[JobLink]:
    """Of these jobs, in this order; one query."""
    rows = {row.name: row for row in PeriodicTask.objects.filter(name__in=[f"{JOB_PREFIX}{name}" for name in names])}
    may_see, may_run = (request.user.has_perm(f"django_celery_beat.{what}_periodictask") for what in ("view", "change"))
    links = []
    for name in names:
        row, job = rows.get(f"{JOB_PREFIX}{name}"), registry(ScheduledJob).find(name)
        if job is None:
            continue
        label = str(job.label)
        if row is None or not may_see:
            links.append(JobLink(label, list_url(PeriodicTask, kind="job") if may_see else ""))
            continue
        query = {"id": str(row.pk), "back": request.get_full_path()}
        asks = reverse("admin:django_celery_beat_periodictask_do", args=["run-now"], query=query)
        links.append(JobLink(label, row_url(row), asks if may_run and row.enabled else ""))
    return links


def attach(rows: Iterable[PeriodicTask], most: int = MOST_DOTS) -> None:
    """Give rows their job's health and its last runs, the newest last: four queries, however many rows."""
    rows = list(rows)
    jobs = {row: job for row in rows if (job := job_of(row)) is not None}
    health = {one.job.name: one for one in look(jobs.values())} if jobs else {}
    runs = _last_runs([job.name for job in jobs.values()], most)
    for row in rows:
        name = jobs[row].name if row in jobs else ""
        row.job_health, row.job_runs = health.get(name), runs.get(name, [])


def _last_runs(names: list[str], most: int) -> dict[str, list[JobRun]]:
    """The newest runs of each job, by the index on job and slot: first from which slot on, then the rows."""
    if not names:
        return {}
    slots = JobRun.objects.filter(job=OuterRef("job")).order_by("-slot").values("slot")
    states = JobState.objects.filter(job__in=names)
    found = states.annotate(oldest=Subquery(slots[most - 1 : most])).values_list("job", "oldest")
    wanted = Q(pk=None)
    for job, oldest in found:
        wanted |= Q(job=job) if oldest is None else Q(job=job, slot__gte=oldest)
    runs: dict[str, list[JobRun]] = {}
    for run in JobRun.objects.filter(wanted).defer("log", "outcome").order_by("slot"):
        runs.setdefault(run.job, []).append(run)
    return runs


def schedule_words(expression: str, tz: str) -> SafeString:
    """A schedule for people, and as the code writes it."""
    return format_html(
        '{} <span class="staff-quiet staff-nowrap" title="{}">{}</span>',
        cron.in_words(expression),
        expression,
        tz.replace("_", " "),
    )


def health_tag(row: Any) -> SafeString:
    """On time, paused, late, failing, never ran; ticks are on."""
    if row.job_health is None:
        return tag(_("on"), "ok") if row.enabled else tag(_("off"), "wait")
    words, tone = HEALTH[row.job_health.state]
    return tag(words, tone)


def dots(runs: list[JobRun]) -> SafeString | str:
    """One dot for each run, that says on hover when it was, how it ended and how long it took."""
    if not runs:
        return NOTHING
    drawn = format_html_join(
        "",
        '<a class="staff-dot {}" href="{}" title="{}" aria-label="{}"></a>',
        ((TONES[run.state], row_url(run), said := _said(run), said) for run in runs[-MOST_DOTS:]),
    )
    return format_html('<span class="staff-dots">{}</span>', drawn)


def _said(run: JobRun) -> str:
    words = _("%(state)s, slot of %(slot)s") % {
        "state": run.get_state_display(),
        "slot": f"{date_format(run.slot, 'j M Y, H:i')} UTC",
    }
    took = _took(run)
    return f"{words}, {duration(took * 1000)}" if took is not None else words


def _took(run: JobRun) -> float | None:
    ended = run.finished_at is not None and run.state in (JobRun.State.SUCCEEDED, JobRun.State.FAILED)
    return (run.finished_at - run.started_at).total_seconds() if ended and run.finished_at else None


def duration_chart(runs: list[JobRun]) -> SafeString | str:
    """How long each of the last runs took."""
    ended = [(run, took) for run in runs if (took := _took(run)) is not None]
    if not ended:
        return NOTHING
    in_seconds = max(took for _run, took in ended) >= 3
    points = [
        Point(_short(run.slot), f"{date_format(run.slot, 'j M Y, H:i')} UTC", {run.state: _amount(took, in_seconds)})
        for run, took in ended
    ]
    unit = _("Duration of the last runs, in seconds") if in_seconds else _("Duration of the last runs, in milliseconds")
    chart = stacked_bars(unit, points, SERIES)
    context = {"chart": chart, "first_column": _("Slot")}
    # A template of ours, which escapes what it is given.
    return mark_safe(render_to_string("admin/job_durations.html", context))  # noqa: S308


def _amount(seconds: float, in_seconds: bool) -> int:
    return max(1, round(seconds if in_seconds else seconds * 1000))


def _short(slot: datetime) -> str:
    return date_format(slot, "j M")
