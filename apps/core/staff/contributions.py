"""What core adds to the administration: names that staff writes are recorded under, and figures of its machinery."""

from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as now_translated
from django.utils.translation import gettext_lazy as _
from django_celery_beat.models import PeriodicTask

from apps.core import heartbeat
from apps.core.clock import now
from apps.core.job_health import look
from apps.core.kinds import AuditAction, Figure, ScheduledJob, StaffFigures, StaffPanel
from apps.core.models import EventDelivery, JobRun
from apps.core.registry import register, registry
from apps.core.staff.display import list_url, row_url
from apps.core.staff.figures import counted
from apps.core.templatetags.levqor import relative_time

FAILED_SHOWN = 8


def machinery() -> list[Figure]:
    """Workers, deliveries and jobs."""
    pending = EventDelivery.objects.filter(state=EventDelivery.State.PENDING, due_at__lte=now())
    dead = EventDelivery.objects.filter(state=EventDelivery.State.DEAD)
    late = overdue_jobs()
    return [
        _worker(),
        Figure(
            _("Event deliveries due"),
            counted(pending),
            _oldest(pending.order_by("due_at").values_list("due_at", flat=True).first()),
            url=list_url(EventDelivery, state__exact="pending"),
        ),
        Figure(
            _("Event deliveries given up"),
            text := counted(dead),
            tone="" if text == "0" else "bad",
            url=list_url(EventDelivery, state__exact="dead", period="any"),
        ),
        Figure(
            _("Jobs in trouble"),
            len(late),
            ", ".join(str(job.label) for job in late[:2]),
            "bad" if late else "",
            list_url(PeriodicTask, kind="job"),
        ),
    ]


def _worker() -> Figure:
    """Red as soon as the watchdog calls it dead, and not before: of a figure and an alarm that differ, one is wrong."""
    worker = heartbeat.life_of_workers()
    if worker.seen_at is None:
        return Figure(_("Worker"), _("never seen"), tone="bad")
    note = "" if worker.lives else now_translated("gives no sign of life")
    return Figure(_("Worker last seen"), relative_time(worker.seen_at), note, "ok" if worker.lives else "bad")


def _oldest(due: datetime | None) -> str:
    return now_translated("oldest due %(when)s") % {"when": relative_time(due)} if due else ""


def overdue_jobs() -> list[ScheduledJob]:
    """Jobs that are late, fail or never ran; two queries, whatever their number."""
    return [one.job for one in look() if not one.well]


def failed_jobs() -> dict[str, Any]:
    """The newest failures of jobs within a month."""
    runs = JobRun.objects.filter(state=JobRun.State.FAILED, slot__gte=now() - timedelta(days=30)).order_by("-slot")
    names = {job.name: job.label for job in registry(ScheduledJob).all()}
    rows = [
        {"url": row_url(run), "label": names.get(run.job, run.job), "when": run.started_at, "outcome": run.outcome}
        for run in runs[:FAILED_SHOWN]
    ]
    return {"rows": rows}


register(
    AuditAction("staff.row_added", _("Staff added a row")),
    AuditAction("staff.row_changed", _("Staff changed a row")),
    AuditAction("staff.row_deleted", _("Staff deleted a row")),
    AuditAction("jobs.run_ordered", _("Ordered a run of a scheduled job")),
    AuditAction("jobs.paused", _("Paused a scheduled job")),
    AuditAction("jobs.resumed", _("Let a scheduled job go on")),
    AuditAction("jobs.schedule_reset", _("Gave a scheduled job its declared schedule back")),
    AuditAction("events.delivery_replayed", _("Replayed an event delivery")),
)
register(
    StaffFigures("machinery", _("Machinery"), machinery, "core.view_jobrun", order=30),
    StaffPanel("failed_jobs", _("Failed jobs"), "admin/panels/failed_jobs.html", failed_jobs, "core.view_jobrun", 90),
)
