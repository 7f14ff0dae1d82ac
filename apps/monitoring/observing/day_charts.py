"""The last day by the hour, as charts: how quick answers were, and how much work waited."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from apps.core.charts import Point, Series, Tone
from apps.core.clock import now
from apps.core.line_charts import lines
from apps.monitoring.selectors.gauge_history import queue_depth_series
from apps.monitoring.selectors.slo import slo_series

HOURS = 24
OBJECTIVES: tuple[tuple[str, Tone], ...] = (("api-latency", "hue-1"), ("pages-latency", "hue-2"))


def latency() -> dict[str, Any]:
    """The slowest five minutes of each hour, of the API and of pages. Two queries."""
    since = _hours()[0]
    labels = {"api-latency": _("API"), "pages-latency": _("Pages")}
    found = {
        code: _highest((look.at, float(look.p95_ms)) for look in slo_series(code, since) if look.p95_ms is not None)
        for code, _tone in OBJECTIVES
    }
    series = [Series(code, labels[code], tone) for code, tone in OBJECTIVES]
    return _chart(_("Latency"), series, found, _("Nobody asked for anything in the last day, or nothing measured it."))


def queue_depth() -> dict[str, Any]:
    """The most that waited in each hour. One query."""
    found = {"depth": _highest(queue_depth_series(HOURS))}
    return _chart(_("Queue"), [Series("depth", _("Runs"), "brand")], found, _("Nothing waited in the last day."))


def _hours() -> list[datetime]:
    """The present one and those before it, the oldest first."""
    newest = now().astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return [newest - timedelta(hours=number) for number in reversed(range(HOURS))]


def _highest(values: Iterable[tuple[datetime, float]]) -> dict[datetime, float]:
    found: dict[datetime, float] = {}
    for at, value in values:
        hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        found[hour] = max(value, found.get(hour, value))
    return found


def _chart(title: str, series: list[Series], found: dict[str, dict[datetime, float]], nothing: str) -> dict[str, Any]:
    points = [
        Point(
            f"{hour:%H}:00",
            f"{hour:%Y-%m-%d %H}:00 UTC",
            {one.key: found[one.key][hour] for one in series if hour in found[one.key]},
        )
        for hour in _hours()
    ]
    return {"chart": lines(title, points, series), "first_column": _("Hour"), "nothing": nothing}
