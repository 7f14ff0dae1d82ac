"""Billing's figures of the business: what monitoring counts by the week and the day."""

from collections.abc import Callable
from datetime import datetime

from django.db.models import Q, QuerySet, Sum
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from apps.billing import revenue
from apps.billing.catalogue import Product, catalogue
from apps.billing.models import (
    AbuseFlag,
    Dispute,
    Invoice,
    OverageReport,
    Reconciliation,
    Refund,
    Subscription,
)
from apps.billing.services.invoices import PAYMENT_FAILED
from apps.core.kinds import BasePrice, Concern, Contribution, PulseMetric, RevenueSource, Text
from apps.core.models import DomainEvent
from apps.core.staff.display import list_url
from apps.core.staff.figures import capped

BASE_PRICE = "base_monthly"
PAYING = (Subscription.Status.ACTIVE, Subscription.Status.PAST_DUE)
MONEY = _("Money")
API_FAMILIES = (revenue.API, revenue.OVERAGE, revenue.CREDITS)


def paying_at(end: datetime) -> QuerySet[Subscription]:
    """Subscriptions that are paid for and had begun by then. One on trial brings in nothing yet."""
    rows = Subscription.objects.unscoped().filter(
        created_at__lt=end, currency=revenue.CURRENCY, organization__livemode=True
    )
    still = Q(status__in=PAYING, suspended=False) | Q(status=Subscription.Status.CANCELED, ended_at__gte=end)
    return rows.filter(still).order_by()


def monthly(end: datetime, products: list[str] | None = None) -> int:
    """Recurring revenue of a month: the prices of the catalogue by their quantities, before discounts and overage."""
    rows = paying_at(end)
    if products is not None:
        rows = rows.filter(product__in=products)
    sums = dict(rows.values_list("price").annotate(sum=Sum("quantity")))
    prices = {price.code: price for product in catalogue().products.values() for price in product.prices}
    return sum(prices[code].amount * quantity for code, quantity in sums.items() if code in prices)


def api_revenue(start: datetime, end: datetime) -> int:
    """Plans of the API, what went beyond them, credits."""
    found = revenue.received(start, end)
    return sum(found.get(family, 0) for family in API_FAMILIES)


def total_revenue(start: datetime, end: datetime) -> int:
    """Everything, taxes and what went back left out."""
    return sum(revenue.received(start, end).values())


def payments_total(start: datetime, end: datetime) -> int:
    """What customers paid, taxes and all."""
    total: int | None = revenue.live_payments(start, end).aggregate(sum=Sum("amount"))["sum"]
    return total or 0


def payments_failed(start: datetime, end: datetime) -> int:
    """Attempts to collect a bill that failed; only live organizations are billed."""
    return DomainEvent.objects.filter(name=PAYMENT_FAILED, created_at__gte=start, created_at__lt=end).count()


def overage_calls(start: datetime, end: datetime) -> int:
    """Calls beyond plans that were put on bills."""
    rows = OverageReport.objects.unscoped().filter(
        counted_at__gte=start, counted_at__lt=end, state__in=OverageReport.STANDING, organization__livemode=True
    )
    total: int | None = rows.aggregate(sum=Sum("value"))["sum"]
    return total or 0


def _subscribers(product: Product) -> Callable[[datetime, datetime], int | None]:
    def compute(_start: datetime, end: datetime) -> int | None:
        count = paying_at(end).filter(product=product.code).count()
        return count if count or product.on_sale else None

    return compute


def _recurring(product: Product) -> Callable[[datetime, datetime], int | None]:
    def compute(_start: datetime, end: datetime) -> int | None:
        amount = monthly(end, [product.code])
        return amount if amount or product.on_sale else None

    return compute


def plan_metrics() -> list[Contribution]:
    """Two for each plan of the catalogue; one that is not on sale has no figures."""
    found: list[Contribution] = []
    for product in catalogue().products.values():
        if product.is_subscription:
            label = format_lazy("{}: {}", _("Paying subscriptions"), product.name)
            found.append(
                PulseMetric(
                    f"subscriptions_{product.code}",
                    label,
                    "count",
                    _subscribers(product),
                    product.name,
                    "stock",
                    order=60,
                )
            )
            label = format_lazy("{}: {}", _("MRR"), product.name)
            found.append(
                PulseMetric(f"mrr_{product.code}", label, "money", _recurring(product), product.name, "stock", order=61)
            )
    return found


def revenue_sources() -> list[Contribution]:
    """One for each family of products; what the platform itself brings in is no add-on."""
    words: dict[str, Text] = {**revenue.names(), revenue.PLATFORM: _("Levqor platform"), revenue.API: _("API plans")}
    words |= {revenue.OVERAGE: _("API overage"), revenue.CREDITS: _("API credits"), revenue.OTHER: _("Other")}
    words["white_label"] = _("White-label")
    return [
        RevenueSource(name, label, revenue.collector(name), addon=name != revenue.PLATFORM)
        for name, label in words.items()
    ]


def _differences() -> int:
    return Reconciliation.objects.order_by("-created_at").values_list("differences", flat=True).first() or 0


CONCERNS = (
    Concern(
        "failed_bills",
        _("Bills that could not be collected"),
        lambda: capped(Invoice.objects.unscoped().filter(status=Invoice.Status.OPEN, attempts__gt=0)),
        lambda: list_url(Invoice, status__exact="open", period="any"),
        order=20,
    ),
    Concern(
        "open_disputes",
        _("Open disputes"),
        lambda: capped(Dispute.objects.filter(status__in=Dispute.UNDECIDED)),
        lambda: list_url(Dispute, status="open", period="any"),
        order=21,
    ),
    Concern(
        "failed_refunds",
        _("Refunds that did not arrive"),
        lambda: capped(Refund.objects.filter(state__in=(Refund.State.FAILED, Refund.State.REFUSED))),
        lambda: list_url(Refund, period="any"),
        order=22,
    ),
    Concern(
        "reconciliation",
        _("Differences between our books and Stripe's"),
        _differences,
        lambda: list_url(Reconciliation),
        order=23,
    ),
    Concern(
        "abuse",
        _("Signs of abuse to settle"),
        lambda: capped(AbuseFlag.objects.unscoped().filter(settled_at=None)),
        lambda: list_url(AbuseFlag, state="open"),
        order=24,
    ),
)

METRICS = (
    PulseMetric("revenue", _("Revenue"), "money", total_revenue, MONEY, order=10),
    PulseMetric("mrr", _("Monthly recurring revenue"), "money", lambda _s, end: monthly(end), MONEY, "stock", order=11),
    PulseMetric("payments", _("Payments"), "count", lambda s, e: revenue.live_payments(s, e).count(), MONEY, order=12),
    PulseMetric("payments_total", _("Paid by customers"), "money", payments_total, MONEY, order=13),
    PulseMetric("payments_failed", _("Failed payments"), "count", payments_failed, MONEY, better="down", order=14),
    PulseMetric(
        "active_subscriptions",
        _("Paying subscriptions"),
        "count",
        lambda _s, end: paying_at(end).count(),
        MONEY,
        "stock",
        order=15,
    ),
    PulseMetric("api_revenue", _("API revenue"), "money", api_revenue, _("API"), order=30),
    PulseMetric("overage_calls", _("Calls beyond plans"), "count", overage_calls, _("API"), order=32),
    PulseMetric("overage_revenue", _("Overage revenue"), "money", revenue.overage, _("API"), order=33),
)

CONTRIBUTIONS = (
    *METRICS,
    *plan_metrics(),
    *revenue_sources(),
    *CONCERNS,
    BasePrice("base", _("Levqor platform, one seat a month"), lambda: catalogue().price(BASE_PRICE).amount),
)
