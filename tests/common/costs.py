"""Days of costs, made by hand: a Stripe that tells what a test says, and sources whose figures are known."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from unittest.mock import patch

from apps.core.clock import now
from apps.core.ids import new_hex
from apps.core.kinds import BasePrice, CostSource, PulseMetric, RevenueSource
from apps.core.registry import contributed, registry
from apps.integrations.stripe.errors import StripeUnavailableError
from apps.integrations.stripe.objects import Balance, BalanceTransaction
from apps.monitoring.models import (
    Category,
    CostDay,
    CostForecast,
    CostLine,
    HealthRun,
    InfrastructureCost,
    KeyValueHour,
)
from apps.monitoring.services import costs_bills
from apps.monitoring.services.looking import Seen, keep

DAY = timedelta(days=1)


def moved(type: str, amount: int, fee: int = 0, *, at: datetime, currency: str = "USD") -> BalanceTransaction:
    """A line of the account at Stripe."""
    return BalanceTransaction(new_hex(), type, amount, fee, amount - fee, currency, "src", "", at)


@dataclass
class FakeAccount:
    """The gateway, as far as costs ask it. `away` is why it does not answer."""

    movements: list[BalanceTransaction] = field(default_factory=list)
    on_account: int = 12_345
    away: Exception | None = None
    asked: int = 0

    def balance_transactions(self, since: datetime, until: datetime) -> Iterator[BalanceTransaction]:
        self.asked += 1
        for one in self.movements:
            if self.away:
                raise self.away
            if since <= one.created < until:
                yield one
        if self.away:
            raise self.away

    def balance(self) -> Balance:
        if self.away:
            raise self.away
        return Balance({"USD": self.on_account - 45, "EUR": 9}, {"USD": 45})

    def payments(self, customer: str = "", since: datetime | None = None) -> Iterator[Any]:
        if self.away:
            raise self.away
        return iter(())

    def goes_away(self) -> None:
        """As when the network is down."""
        self.away = StripeUnavailableError("The payment provider was not reached.")


@dataclass
class Books:
    """What sources tell: by name, in cents. An exception is raised instead."""

    costs: dict[str, Any] = field(default_factory=dict)
    revenue: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)

    def tell(self, kind: str, name: str) -> Any:
        """What a source says now."""
        value = getattr(self, kind).get(name)
        if isinstance(value, Exception):
            raise value
        return value


@contextmanager
def sources(books: Books, *, addons: tuple[str, ...] = ("api",), price: int | None = 2_900) -> Iterator[None]:
    """Instead of the sources that apps contribute: "ai" and "tax", the products "platform" and "api"."""
    made = [
        CostSource("ai", "AI provider", "ai", lambda day: books.tell("costs", "ai")),
        CostSource("tax", "Taxes", "tax", lambda day: books.tell("costs", "tax")),
        RevenueSource("platform", "Platform", lambda start, end: books.tell("revenue", "platform") or 0, False),
        RevenueSource("api", "API", lambda start, end: books.tell("revenue", "api") or 0, "api" in addons),
        *(
            PulseMetric(name, name, "count", lambda start, end, name=name: books.tell("metrics", name) or 0, "Money")
            for name in ("payments_total", "payments")
        ),
        *([] if price is None else [BasePrice("base", "Base", lambda: price)]),
    ]
    empty = [patch.object(registry(kind), "_items", {}) for kind in (CostSource, RevenueSource, PulseMetric, BasePrice)]
    for one in empty:
        one.start()
    try:
        with contributed(*made):  # type: ignore[arg-type] # each is a contribution
            yield
    finally:
        for one in empty:
            one.stop()


def bill(amount: int, since: date, until: date | None = None, **more: Any) -> InfrastructureCost:
    """A bill that staff entered, of no day that is collected yet."""
    kind = more.pop("kind", InfrastructureCost.Kind.MONTHLY)
    values = {"label": "Server", "category": Category.HOSTING, "kind": kind, **more}
    return InfrastructureCost.objects.create(amount=amount, first_day=since, last_day=until, **values)


def cost_days(last: date, *amounts: int, **more: Any) -> list[CostDay]:
    """Days up to this one, each with so much for the key-value store, which is measured."""
    return CostDay.objects.bulk_create(
        CostDay(day=last - (len(amounts) - 1 - number) * DAY, key_value=amount, **more)
        for number, amount in enumerate(amounts)
    )


def noon(day: date) -> datetime:
    """A moment of that day."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def fill_costs() -> CostDay:
    """A row of everything that costs and health keep: a month of days, a bill, hours, forecasts, looks. Returns the
    newest day."""
    today = now().date()
    costs_bills.save(InfrastructureCost(label="Server", category="hosting", amount=3_100, first_day=today - 90 * DAY))
    rows = cost_days(today - DAY, *range(40, 75), revenue=900, tax=100, fees=56, addon=300, balance=12_345)
    CostDay.objects.filter(pk__in=[row.pk for row in rows[-3:]]).update(fees_estimated=True)
    for row in rows:
        CostLine.objects.create(
            cost_day=row, kind="cost", category="key_value", source="redis", label="Redis", amount=row.key_value
        )
        CostLine.objects.create(cost_day=row, kind="revenue", source="api", label="API plans", amount=300)
    costs_bills.save(InfrastructureCost(label="Domain", category="other", kind="once", amount=1_200, first_day=today))
    KeyValueHour.objects.create(
        hour=now().replace(minute=0, second=0, microsecond=0), commands=123_456, commands_total=9_000_000, server="a",
        memory_bytes=12_000_000, cost="0.2469",
    )  # fmt: skip
    values = {"expected": 5_000, "low": 4_000, "high": 6_000, "known": 3_000, "days_seen": 35, "method": "by hand"}
    CostForecast.objects.create(first=today, last=today + 29 * DAY, **values)
    CostForecast.objects.create(first=today - 40 * DAY, last=today - 11 * DAY, actual=6_500, **values)
    seen = [
        Seen("disk", "Disk", "ok", "80 GB free"),
        Seen("notion", "Notion", "off", ""),
        Seen("beat", "Beat", "warning", "slow"),
    ]
    keep(HealthRun.Kind.MONITOR, now() - DAY, seen)
    keep(HealthRun.Kind.MONITOR, now(), [Seen("disk", "Disk", "failed", "0.1 GB free"), *seen[1:]])
    keep(HealthRun.Kind.VERIFIER, now(), seen)
    keep(HealthRun.Kind.LOG, now(), seen, {"jobs_done": 4, "gauges": {"levqor_queue_depth": 2.0}})
    return rows[-1]
