"""What core tells of this moment: domain events on their way to their handlers, and proof of life."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from apps.core import heartbeat
from apps.core.clock import now
from apps.core.models import EventDelivery, JobRun
from apps.core.rows import count_up_to

Values = Mapping[tuple[str, ...], float]
MOST_COUNTED = 100_000
State = EventDelivery.State


def few(rows: QuerySet[Any]) -> float:
    """How many there are, counted up to a bound: a figure must not cost more the worse things stand."""
    return count_up_to(rows, MOST_COUNTED)


def lag(rows: QuerySet[Any], field: str = "due_at") -> float:
    """For how many seconds the oldest of these is late."""
    oldest = rows.order_by(field).values_list(field, flat=True).first()
    return max((now() - oldest).total_seconds(), 0.0) if oldest is not None else 0.0


def deliveries() -> Values:
    """Domain events that wait for a handler, and those given up."""
    due = EventDelivery.objects.filter(state=State.PENDING, due_at__lte=now())
    return {("due",): few(due), ("dead",): few(EventDelivery.objects.filter(state=State.DEAD))}


def delivery_lag() -> Values:
    """How late the oldest delivery is."""
    return {(): lag(EventDelivery.objects.filter(state=State.PENDING))}


def heartbeat_age() -> Values:
    """Seconds since a worker took a tick; nothing where none ever did."""
    seen = heartbeat.last()
    return {} if seen is None else {(): max((now() - seen).total_seconds(), 0.0)}


def jobs_running() -> Values:
    """Scheduled jobs at work now."""
    return {(): few(JobRun.objects.filter(state=JobRun.State.RUNNING))}
