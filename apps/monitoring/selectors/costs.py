"""Reads of the cost sheet: days together, how many customers pay for them, what comes."""

from dataclasses import dataclass, field
from datetime import date, timedelta

from django.db.models import Sum

from apps.core.kinds import BasePrice
from apps.core.registry import registry
from apps.monitoring.costs.fees import estimated_fees
from apps.monitoring.models import Category, CostDay, CostForecast, CostLine
from apps.monitoring.models.costs import TAX, Reckoned

SUMMED = (*Category.values, "revenue", TAX, "fees", "addon")
MONTH = 30  # days of costs that break-even goes by
SCORED = 100  # forecasts that are counted


@dataclass(frozen=True)
class CostSum(Reckoned):
    """Some days together, in cents. `days` were collected; `revenue_by` has each product's part, by its words."""

    days: int
    sums: dict[str, int]
    revenue_by: dict[str, int] = field(default_factory=dict)

    def amount(self, column: str) -> int:
        """One of its sums, by its name."""
        return self.sums[column]

    @property
    def revenue(self) -> int:
        """What came in through Stripe."""
        return self.sums["revenue"]

    @property
    def fees(self) -> int:
        """What Stripe took."""
        return self.sums["fees"]


@dataclass(frozen=True)
class BreakEven:
    """How many customers at the base price pay for what the platform costs a month, Stripe's part of each taken off."""

    monthly_costs: int
    price: int
    label: str
    fee: int

    @property
    def customers(self) -> int | None:
        """Whole customers. None where each would cost more than they pay."""
        left = self.price - self.fee
        return -(-self.monthly_costs // left) if left > 0 else None


def summed(first: date, last: date) -> CostSum:
    """Days, both included, together; three queries."""
    rows = CostDay.objects.filter(day__gte=first, day__lte=last).order_by()
    found = rows.aggregate(**{name: Sum(name, default=0) for name in SUMMED})
    lines = CostLine.objects.filter(cost_day__day__gte=first, cost_day__day__lte=last, kind=CostLine.Kind.REVENUE)
    by = dict(lines.order_by().values_list("label").annotate(sum=Sum("amount")))
    return CostSum(rows.count(), {name: int(value) for name, value in found.items()}, by)


def sum_of(rows: list[CostDay]) -> CostSum:
    """Days that are at hand, together; not by product."""
    return CostSum(len(rows), {name: sum(int(getattr(row, name)) for row in rows) for name in SUMMED})


def by_week(last: date, weeks: int) -> list[tuple[date, CostSum]]:
    """Consecutive weeks that end with a day, oldest first; one query. Weeks without a collected day are there too."""
    first = last - timedelta(days=7 * weeks - 1)
    found: list[list[CostDay]] = [[] for _number in range(weeks)]
    for row in CostDay.objects.filter(day__gte=first, day__lte=last):
        found[(row.day - first).days // 7].append(row)
    return [(first + timedelta(days=7 * number + 6), sum_of(rows)) for number, rows in enumerate(found)]


def newest_day() -> CostDay | None:
    """The newest that was collected."""
    return CostDay.objects.order_by("-day").first()


def newest_days(most: int) -> list[CostDay]:
    """Those that were collected, no older than the newest by so many days; oldest first."""
    rows = list(CostDay.objects.order_by("-day")[:most])
    return [row for row in rows if (rows[0].day - row.day).days < most][::-1]


def break_even(today: date) -> BreakEven | None:
    """By the infrastructure of the thirty days that end with the newest before today; of fewer, as if they went on like
    that. None without any, or without a base price."""
    rows = list(CostDay.objects.filter(day__lt=today).order_by("-day")[:MONTH])
    return break_even_of(sum_of([row for row in rows if (rows[0].day - row.day).days < MONTH]))


def break_even_of(found: CostSum) -> BreakEven | None:
    """The same of days that are at hand."""
    price = next(iter(registry(BasePrice).all()), None)
    if price is None or not found.days:
        return None
    cents = price.monthly()
    monthly = -(-found.infrastructure * MONTH // found.days)
    return BreakEven(monthly, cents, str(price.label), estimated_fees(cents, 1))


def newest_forecast() -> CostForecast | None:
    """The one that was made last."""
    return CostForecast.objects.order_by("-first").first()


def forecasts_that_held() -> tuple[int, int]:
    """Of the forecasts whose days are over: how many held, and how many there are."""
    scored = list(CostForecast.objects.exclude(actual=None).order_by("-first")[:SCORED])
    return sum(bool(row.held) for row in scored), len(scored)
