"""Reads of the cost sheet: days, their sums, how many customers pay for it, what comes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil

from apps.core.kinds import BasePrice
from apps.core.registry import registry
from apps.monitoring.models import Category, CostDay, CostForecast
from apps.monitoring.models.costs import TAX
from apps.monitoring.services.costs_stripe import estimated_fees

MONTH = 30  # days that costs of a month are taken from
SUMMED = (*Category.values, TAX, "revenue", "fees", "addon")


@dataclass(frozen=True)
class Totals:
    """Days together, in cents. `days` is how many of them are on the sheet."""

    days: int
    by_category: dict[str, int]
    revenue: int
    tax: int
    fees: int
    addon: int
    estimated: bool

    @property
    def infrastructure(self) -> int:
        """All costs but Stripe's fees."""
        return sum(self.by_category.values())

    @property
    def costs(self) -> int:
        """All costs."""
        return self.infrastructure + self.fees

    @property
    def earned(self) -> int:
        """The revenue without taxes."""
        return self.revenue - self.tax

    @property
    def margin(self) -> int:
        """What is left of what was earned."""
        return self.earned - self.costs

    @property
    def margin_percent(self) -> Decimal | None:
        """The same as a share of what was earned; None where nothing was."""
        return Decimal(self.margin) * 100 / self.earned if self.earned > 0 else None


@dataclass(frozen=True)
class BreakEven:
    """What a month costs, what is left of a customer's base price after Stripe's fee, and how many of them pay for it.

    `customers` is None where no base price is known, or none of it is left.
    """

    monthly: int
    price: int | None
    kept: int | None
    customers: int | None


def days(first: date, last: date) -> list[CostDay]:
    """The days on the sheet, the newest first."""
    return list(CostDay.objects.filter(day__gte=first, day__lte=last))


def newest() -> CostDay | None:
    """The day that was collected last."""
    return CostDay.objects.order_by("-day").first()


def totals(first: date, last: date) -> Totals:
    """The sums of these days, both included; one query."""
    return total_of(days(first, last))


def total_of(rows: Sequence[CostDay]) -> Totals:
    """The same of rows that are at hand."""
    sums = {name: sum(int(getattr(row, name)) for row in rows) for name in SUMMED}
    return Totals(
        days=len(rows),
        by_category={name: sums[name] for name in Category.values},
        revenue=sums["revenue"],
        tax=sums[TAX],
        fees=sums["fees"],
        addon=sums["addon"],
        estimated=any(row.fees_estimated for row in rows),
    )


def break_even(last: date) -> BreakEven:
    """By the infrastructure of the thirty days up to this one; of fewer, as if they went on like that."""
    since = last - timedelta(days=MONTH - 1)
    return break_even_of(totals(since, last))


def break_even_of(seen: Totals) -> BreakEven:
    """The same of days whose sums are at hand."""
    monthly = Fraction(seen.infrastructure * MONTH, seen.days) if seen.days else Fraction(0)
    price = next((one.monthly() for one in registry(BasePrice).all()), None)
    kept = None if price is None else price - estimated_fees(price, 1)
    customers = ceil(monthly / kept) if seen.days and kept is not None and kept > 0 else None
    return BreakEven(round(monthly), price, kept, customers)


def latest_forecast() -> CostForecast | None:
    """The newest."""
    return CostForecast.objects.order_by("-first").first()


def scored_forecasts(most: int = 12) -> list[CostForecast]:
    """The newest that can be compared with what came."""
    return list(CostForecast.objects.exclude(actual=None).order_by("-first")[:most])
