"""What the page of costs and the first page of the administration show of the cost sheet."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from babel.dates import format_date
from django.conf import settings
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext as _

from apps.core.charts import Chart, Point, Series, Tone, stacked_bars
from apps.core.clock import now
from apps.core.line_charts import lines
from apps.monitoring.models import Category, CostDay, CostForecast, InfrastructureCost
from apps.monitoring.selectors import costs
from apps.monitoring.selectors.costs import CostSum

CENTS = 100
SPANS = (30, 90, 364)  # days that can be looked at
BY_DAY = 90  # of more, weeks are shown
SHOWN_DAYS, SHOWN_BILLS, SHOWN_FORECASTS = 14, 20, 8
SHARES: tuple[tuple[str, Tone], ...] = (
    ("hosting", "hue-1"),
    ("frontend", "hue-2"),
    ("ai", "hue-3"),
    ("key_value", "hue-4"),
    ("mail", "hue-5"),
    ("other", "idle"),
)


def sheet(chosen: str) -> dict[str, Any]:
    """The days that end with the newest collected one, and the same number before, to compare with."""
    span = int(chosen) if chosen in {str(one) for one in SPANS} else SPANS[0]
    newest = costs.newest_day()
    last = newest.day if newest else now().date() - timedelta(days=1)
    rows = list(CostDay.objects.filter(day__gt=last - timedelta(days=span), day__lte=last).order_by("day"))
    parts = by_day(rows) if span <= BY_DAY else _by_week(last, span // 7)
    return {
        "newest": newest,
        "limit": int(settings.DAILY_COST_LIMIT * CENTS),
        "span": span,
        "spans": SPANS,
        "found": costs.summed(last - timedelta(days=span - 1), last),
        "before": costs.summed(last - timedelta(days=2 * span - 1), last - timedelta(days=span)),
        "even": costs.break_even(now().date()),
        "forecast": costs.newest_forecast(),
        "held": costs.forecasts_that_held(),
        "forecasts": list(CostForecast.objects.exclude(actual=None).order_by("-first")[:SHOWN_FORECASTS]),
        "spent_chart": spent_chart(parts),
        "money_chart": money_chart(parts),
        "first_column": _("Day") if span <= BY_DAY else _("Week until"),
        "rows": rows[::-1][:SHOWN_DAYS],
        "bills": list(InfrastructureCost.objects.order_by("-first_day", "-pk")[:SHOWN_BILLS]),
    }


def spent_chart(parts: Sequence[tuple[date, CostSum]]) -> Chart:
    """What was spent on what; only what there is."""
    labels: dict[str, Any] = dict(Category.choices)
    used = [(name, tone) for name, tone in SHARES if any(found.sums[name] for _day, found in parts)]
    series = [Series(name, labels[name], tone) for name, tone in (used or SHARES[:1])]
    series.append(Series("fees", _("Stripe's fees"), "wait"))
    names = [one.key for one in series]
    points = _points(parts, lambda found: {name: found.sums[name] / CENTS for name in names})
    return stacked_bars(_("What it costs, US $"), points, series)


def money_chart(parts: Sequence[tuple[date, CostSum]]) -> Chart:
    """What is earned, spent and left."""
    series = (
        Series("earned", _("Earned, without taxes"), "ok"),
        Series("costs", _("Costs"), "bad"),
        Series("margin", _("Net margin"), "brand"),
    )
    points = _points(parts, lambda found: {one.key: getattr(found, one.key) / CENTS for one in series})
    return lines(_("What is earned, spent and left, US $"), points, series)


def by_day(rows: Iterable[CostDay]) -> list[tuple[date, CostSum]]:
    """Each day for itself."""
    return [(row.day, costs.sum_of([row])) for row in rows]


def _by_week(last: date, weeks: int) -> list[tuple[date, CostSum]]:
    """From the first week on of which something is known."""
    found = costs.by_week(last, weeks)
    first = next((number for number, (_day, week) in enumerate(found) if week.days), len(found) - 1)
    return found[first:]


def _points(parts: Sequence[tuple[date, CostSum]], values: Callable[[CostSum], dict[str, float]]) -> list[Point]:
    """Of what nothing was collected, nothing is known."""
    locale = to_locale(get_language() or "en")
    return [
        Point(
            format_date(day, "d MMM", locale=locale),
            format_date(day, "d MMMM y", locale=locale),
            values(found) if found.days else dict.fromkeys(values(found)),
        )
        for day, found in parts
    ]
