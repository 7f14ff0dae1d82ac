"""The weekly pulse as a table at Notion."""

from collections.abc import Iterator
from typing import Any, cast

from django.utils.functional import SimpleLazyObject

from apps.core.kinds import NotionDatabase, NotionProperty, NotionRow, PulseMetric
from apps.core.registry import registry
from apps.monitoring.figures import in_dollars
from apps.monitoring.models import PulseReport

CHUNK = 100  # weeks
FORMATS = {"money": "dollar", "percent": "number", "count": "number"}


def _pulse_columns() -> tuple[NotionProperty, ...]:
    metrics = sorted(registry(PulseMetric).all(), key=lambda one: (one.order, one.name))
    figures = (NotionProperty(str(one.label), "number", format=cast(Any, FORMATS[one.unit])) for one in metrics)
    return (NotionProperty("Week", "title"), NotionProperty("From", "date"), NotionProperty("Until", "date"), *figures)


def _pulse_rows() -> Iterator[NotionRow]:
    """All weeks: what is no row any more goes into the trash there, and what did not change costs no call."""
    columns = {one.name: str(one.label) for one in registry(PulseMetric).all()}
    reports = PulseReport.objects.order_by("-end").prefetch_related("values")
    for report in reports.iterator(chunk_size=CHUNK):
        figures: dict[str, Any] = {
            columns[row.metric]: in_dollars(row.value) if row.unit == "money" else row.value
            for row in report.values.all()
            if row.metric in columns
        }
        yield NotionRow(report.public_id, {"Week": str(report), "From": report.start, "Until": report.end, **figures})


# Which columns there are is known once every app has contributed its metrics.
COLUMNS = cast(tuple[NotionProperty, ...], SimpleLazyObject(_pulse_columns))
PULSE = NotionDatabase("pulse", "Pulse", COLUMNS, _pulse_rows)
