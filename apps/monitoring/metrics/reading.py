"""Gauges of all rooms: read by a worker, shown by all, kept every five minutes for charts."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction

from apps.core.clock import now
from apps.core.kinds import Gauge
from apps.core.registry import registry
from apps.core.tallies import Tally
from apps.monitoring.kept import Kept
from apps.monitoring.models import GaugeSample

log = structlog.get_logger(__name__)

READ_TASK = "monitoring.read_gauges"
READ_EVERY_SECONDS = 15
SAMPLED_EVERY_MINUTES = 5
MOST_SERIES = 200  # of one gauge
LAST_READ = Kept("gauges")
FAILED = Tally("levqor_gauge_failures", "Gauges that could not be read.", ("gauge",))


def read_gauges() -> int:
    """Read all gauges, one after the other, and keep what they say. Returns how many values there were.

    One that breaks is left out and counted; the others are read.
    """
    found: list[dict[str, Any]] = []
    for gauge in registry(Gauge).all():
        try:
            with transaction.atomic():  # what breaks in the database breaks nothing after it
                values = [(labels, float(value)) for labels, value in gauge.read().items()]
        except Exception as error:  # noqa: BLE001 - any room's; the log has it
            log.warning("gauge_not_read", gauge=gauge.name, error=f"{type(error).__name__}: {error}")
            FAILED.add(gauge.name)
            continue
        found.append(
            {"name": gauge.name, "help": gauge.help, "labels": gauge.labels, "values": sorted(values)[:MOST_SERIES]}
        )
    LAST_READ.put(found)
    _sample(found, now())
    return sum(len(gauge["values"]) for gauge in found)


def _sample(found: Iterable[dict[str, Any]], moment: datetime) -> None:
    at = moment.replace(minute=moment.minute // SAMPLED_EVERY_MINUTES * SAMPLED_EVERY_MINUTES, second=0, microsecond=0)
    if GaugeSample.objects.filter(at=at).exists():
        return
    rows = [
        GaugeSample(name=gauge["name"], labels=",".join(labels)[:120], at=at, value=value)
        for gauge in found
        for labels, value in gauge["values"]
    ]
    GaugeSample.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)
