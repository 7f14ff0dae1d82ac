"""What the next thirty days will cost, with a range; and how earlier forecasts turned out.

Bills that staff entered are known: they are added up to the cent. What is measured (Redis, mail, vendors' figures,
Stripe's fees) is foretold from its last twelve weeks: a line by Theil and Sen, which single odd days don't move, and
the usual deviation of each day of the week where four weeks are there. The range comes from what such a forecast would
have missed by: it is made again from earlier days, the sums of as many days are compared, and the miss that four of
five keep is taken, widened where few could be compared. Without four weeks nothing is said. Decision 28 tells why.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.db.models import Q, Sum
from django.utils.translation import gettext as _

from apps.core.clock import now
from apps.monitoring.figures import dollars
from apps.monitoring.intervals import DAY
from apps.monitoring.models import CostDay, CostForecast, CostLine
from apps.monitoring.services.costs import AGAIN
from apps.monitoring.services.costs_bills import known

AHEAD = 30  # days that are foretold
LONGEST, SHORTEST, WEEK = 84, 28, 7
TRAINED = 14  # the least that an earlier forecast is made from, to be compared with what came
TENTHS_KEPT = 8  # of ten that came lie in the range
LATE = 3  # so many days may not be collected yet
SCORED_AT_ONCE = 100
METHOD = "known bills + Theil-Sen line with weekdays; range of 80 % from earlier misses"


@dataclass(frozen=True)
class Foretold:
    """A sum of days and its range, in cents."""

    expected: float
    low: float
    high: float


def cost_prediction(slot: datetime) -> str:
    """The job: score what is over, then say what the next thirty days will cost."""
    today = slot.astimezone(UTC).date()
    scored = score(today)
    row = predict(today)
    if row is None:
        words = _("a forecast needs %(needed)d days of costs without a gap, and there are %(days)d")
        return words % {"needed": SHORTEST, "days": len(measured(today))}
    words = _("%(days)s: %(expected)s, between %(low)s and %(high)s; %(scored)d earlier forecasts scored")
    return words % {
        "days": row,
        "expected": dollars(row.expected),
        "low": dollars(row.low),
        "high": dollars(row.high),
        "scored": scored,
    }


def predict(today: date) -> CostForecast | None:
    """The forecast of thirty days from today on, made from the days before. None with too few of them."""
    series = measured(today)
    if len(series) < SHORTEST:
        return None
    last = today + (AHEAD - 1) * DAY
    bills = known(today, last)
    found = foretell([value for _day, value in series], ahead=(today - series[-1][0]).days - 1, length=AHEAD)
    values = {
        "last": last,
        "expected": bills + round(found.expected),
        "low": bills + round(found.low),
        "high": bills + round(found.high),
        "known": bills,
        "days_seen": len(series),
        "method": METHOD,
        "made_at": now(),
    }
    row, _created = CostForecast.objects.update_or_create(first=today, defaults=values)
    return row


def measured(today: date) -> list[tuple[date, int]]:
    """What days cost beside known bills, oldest first, without a gap; it ends a few days ago at the earliest."""
    rows = CostDay.objects.filter(day__gte=today - LONGEST * DAY, day__lt=today)
    bills = Sum("lines__amount", filter=Q(lines__kind=CostLine.Kind.COST, lines__source=""), default=0)
    found = {row.day: row.costs - row.bills for row in rows.annotate(bills=bills)}
    day = max(found, default=today - DAY)
    if (today - day).days - 1 > LATE:
        return []
    series: list[tuple[date, int]] = []
    while day in found:
        series.append((day, found[day]))
        day -= DAY
    return series[::-1]


def foretell(series: Sequence[float], *, ahead: int, length: int) -> Foretold:
    """The sum of `length` days that begin `ahead` days after the series, with its range."""
    expected = sum(_line(series, ahead, length))
    compared = [_miss(series, cut, length) for cut in range(TRAINED, len(series) - WEEK + 1)]
    kept = statistics.quantiles(compared, n=10, method="inclusive")[TENTHS_KEPT - 1]
    miss = kept * (1 + WEEK / len(compared))  # they overlap: some dozens of them say less than they seem to
    return Foretold(expected, min(max(expected - miss, 0.0), expected), expected + miss)


def _miss(series: Sequence[float], cut: int, length: int) -> float:
    """By how much a forecast made at `cut` missed the days that followed, as if they had been `length` days."""
    came = series[cut : cut + length]
    return abs(sum(came) - sum(_line(series[:cut], 0, len(came)))) * length / len(came)


def _line(series: Sequence[float], ahead: int, length: int) -> list[float]:
    """So many days by the line, and the day of the week where enough weeks are there. None of them is below nothing."""
    count = len(series)
    slopes = [(series[b] - series[a]) / (b - a) for a in range(count) for b in range(a + 1, count)]
    slope = statistics.median(slopes)
    start = statistics.median(value - slope * number for number, value in enumerate(series))
    weekday = [0.0] * WEEK
    if count >= SHORTEST:
        left = [value - start - slope * number for number, value in enumerate(series)]
        weekday = [statistics.median(left[number::WEEK]) for number in range(WEEK)]
    days = range(count + ahead, count + ahead + length)
    return [max(start + slope * day + weekday[day % WEEK], 0.0) for day in days]


def score(today: date) -> int:
    """Put beside forecasts whose days are over, and whole on the sheet, what they came to. Returns how many."""
    scored = 0
    for row in CostForecast.objects.filter(actual=None, last__lt=today - AGAIN * DAY).order_by("last")[:SCORED_AT_ONCE]:
        days = list(CostDay.objects.filter(day__gte=row.first, day__lte=row.last))
        if len(days) == (row.last - row.first).days + 1:
            row.actual = sum(day.costs for day in days)
            row.save(update_fields=["actual"])
            scored += 1
    return scored
