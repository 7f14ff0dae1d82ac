"""What workflows add to the administration."""

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as translated
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.core.clock import now
from apps.core.ids import lowest_id
from apps.core.kinds import AuditAction, Figure, StaffFacts, StaffFigures, StaffPanel
from apps.core.registry import register
from apps.core.staff.display import list_url, row_url
from apps.core.staff.figures import counted
from apps.core.templatetags.levqor import number, percent, relative_time
from apps.workflows import platform_statistics as statistics
from apps.workflows.models import Run, Workflow
from apps.workflows.run_charts import chart_of_days

GOOD_SHARE = 0.95


def runs() -> list[Figure]:
    """Today and the last seven days."""
    week = statistics.recent_days()[-7:]
    return [*_outcomes(_("Runs today"), week[-1:], 1), *_outcomes(_("Runs in 7 days"), week, 7)]


def _outcomes(label: Any, days: Any, period: int) -> list[Figure]:
    seen = statistics.total(days)
    words = translated("%(succeeded)s succeeded, %(failed)s failed, %(cancelled)s cancelled, %(open)s open")
    values = {name: number(getattr(seen, name)) for name in ("succeeded", "failed", "cancelled", "open")}
    rate = seen.success_rate
    return [
        Figure(label, number(seen.runs), words % values, url=list_url(Run, period=period)),
        Figure(
            _("Success rate today") if period == 1 else _("Success rate in 7 days"),
            percent(rate),
            translated("of those that succeeded or failed"),
            "" if rate is None else "ok" if rate >= GOOD_SHARE else "bad",
            list_url(Run, state__exact="failed", period=period),
        ),
    ]


def queue() -> list[Figure]:
    """What waits for workers."""
    due, expired = statistics.due_runs(), counted(statistics.expired_leases())
    oldest = due.order_by("due_at").values_list("due_at", flat=True).first()
    late = oldest is not None and now() - oldest > timedelta(minutes=1)
    return [
        Figure(
            _("Runs due"), counted(due), translated("no worker has them yet"), url=list_url(Run, state__exact="queued")
        ),
        Figure(_("Oldest due run"), relative_time(oldest), tone="bad" if late else ""),
        Figure(
            _("Expired leases"),
            expired,
            translated("a worker died; the reconciler frees them"),
            "" if expired == "0" else "wait",
        ),
    ]


def runs_per_day() -> dict[str, Any]:
    """Two weeks as a chart."""
    return {"chart": chart_of_days([day for day, _open in statistics.recent_days()])}


def latest_failures() -> dict[str, Any]:
    """With what to look at."""
    rows = [
        {
            "run": run,
            "url": row_url(run),
            "workflow_url": row_url(run.workflow),
            "organization_url": row_url(run.organization),
            "message": (run.error or {}).get("message", ""),
            "step": (run.error or {}).get("step", ""),
        }
        for run in statistics.latest_failures()
    ]
    return {"rows": rows, "all_url": list_url(Run, state__exact="failed")}


def organization_facts(organization: Organization) -> list[Figure]:
    """How much a customer works with it."""
    recent = Run.objects.for_organization(organization).filter(pk__gte=lowest_id(now() - timedelta(days=30)))
    return [
        Figure(
            _("Workflows"),
            counted(Workflow.objects.for_organization(organization).filter(archived_at=None)),
            url=list_url(Workflow, organization__id__exact=organization.pk),
        ),
        Figure(
            _("Runs in 30 days"),
            counted(recent),
            url=list_url(Run, organization__id__exact=organization.pk, period="30"),
        ),
        Figure(
            _("Failed in 30 days"),
            counted(recent.filter(state=Run.State.FAILED)),
            url=list_url(Run, organization__id__exact=organization.pk, period="30", state__exact="failed"),
        ),
    ]


register(AuditAction("workflows.run_woken", _("Staff woke a run")))
register(
    StaffFigures("runs", _("Runs"), runs, "workflows.view_run", order=10),
    StaffFigures("queue", _("Queue"), queue, "workflows.view_run", order=20),
    StaffPanel("runs_per_day", _("Runs per day"), "admin/panels/chart.html", runs_per_day, "workflows.view_run", 10),
    StaffPanel(
        "latest_failures",
        _("Latest failures"),
        "admin/panels/latest_failures.html",
        latest_failures,
        "workflows.view_run",
        20,
    ),
    StaffFacts("workflows", "accounts.organization", organization_facts, "workflows.view_run"),
)
