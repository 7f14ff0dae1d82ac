"""The figures of the business that workflows know, of live runs alone."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from apps.core.kinds import ActivitySource, PulseMetric
from apps.workflows.models import Run
from apps.workflows.platform_statistics import runs_since

WORKFLOWS = _("Workflows")


def runs_in(start: datetime, end: datetime) -> QuerySet[Run]:
    """Runs that were created then."""
    return runs_since(start).filter(created_at__lt=end).order_by()


def runs(start: datetime, end: datetime) -> int:
    """All of them."""
    return runs_in(start, end).count()


def failed_runs(start: datetime, end: datetime) -> int:
    """Those that failed."""
    return runs_in(start, end).filter(state=Run.State.FAILED).count()


def success_rate(start: datetime, end: datetime) -> Decimal | None:
    """Of those that succeeded or failed, those that succeeded; None where there is none of these."""
    seen = runs_in(start, end).aggregate(
        good=Count("pk", filter=Q(state=Run.State.SUCCEEDED)), bad=Count("pk", filter=Q(state=Run.State.FAILED))
    )
    ended = seen["good"] + seen["bad"]
    return Decimal(seen["good"] * 100) / ended if ended else None


def _active(start: datetime, end: datetime) -> QuerySet[Any, Any]:
    return runs_in(start, end).values("organization_id").distinct()


METRICS = (
    PulseMetric("runs", _("Runs"), "count", runs, WORKFLOWS, order=20),
    PulseMetric("runs_failed", _("Failed runs"), "count", failed_runs, WORKFLOWS, better="down", order=21),
    PulseMetric("success_rate", _("Runs that succeeded"), "percent", success_rate, WORKFLOWS, order=22),
)
ACTIVITY = (ActivitySource("runs", _active),)
