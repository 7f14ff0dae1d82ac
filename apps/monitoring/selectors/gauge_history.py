"""Gauges over time, for charts."""

from collections import defaultdict
from datetime import datetime, timedelta

from apps.core.clock import now
from apps.monitoring.models import GaugeSample

SAMPLES_KEPT = timedelta(days=30)
MOST_POINTS = 10_000
QUEUE_DEPTH = "levqor_queue_depth"


def gauge_series(name: str, since: datetime, until: datetime | None = None) -> dict[str, list[tuple[datetime, float]]]:
    """The values of one gauge by its labels, the oldest first: every five minutes."""
    rows = GaugeSample.objects.filter(name=name, at__gte=since, at__lte=until or now()).order_by("at")
    found: dict[str, list[tuple[datetime, float]]] = defaultdict(list)
    for labels, at, value in rows.values_list("labels", "at", "value")[:MOST_POINTS]:
        found[labels].append((at, value))
    return dict(found)


def queue_depth_series(hours: int = 24) -> list[tuple[datetime, float]]:
    """How many runs waited for a worker."""
    return gauge_series(QUEUE_DEPTH, now() - timedelta(hours=hours)).get("", [])
