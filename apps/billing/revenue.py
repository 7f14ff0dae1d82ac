"""What came in, by product: payments without tax, less what went back. Cents of US dollars, of live organizations.

It goes by when money moved: a payment counts when it arrived, a refund and a dispute when they took it back. There is
no exchange rate here: payments in other currencies are not in these figures (`other_currencies` says whether there are
any), and the ledger has all of them in their own. What a bill says of calls beyond a plan is set apart from the plan.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db.models import BigIntegerField, Case, Exists, F, OuterRef, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Coalesce

from apps.billing.catalogue import API_LINE, catalogue
from apps.billing.models import Dispute, InvoiceLine, Payment, Refund
from apps.core.errors import NotFoundError

CURRENCY = "USD"
PLATFORM, API, OVERAGE, CREDITS, OTHER = "platform", "api", "api_overage", "credits", "other"
_PRODUCT = ("invoice__subscription__product", "order__price")


def families() -> dict[str, str]:
    """What products are called together in figures: the plans of a line are one, everything else is itself."""
    return {code: product.line or code for code, product in catalogue().products.items()}


def names() -> dict[str, str]:
    """A family's words: those of its first product."""
    found: dict[str, str] = {}
    for code, product in catalogue().products.items():
        found.setdefault(families()[code], product.name)
    return found


def collector(family: str) -> Callable[[datetime, datetime], int]:
    """The `collect` of a `RevenueSource`."""
    return lambda start, end: received(start, end).get(family, 0)


def received(start: datetime, end: datetime) -> dict[str, int]:
    """What came in by family; four queries, each grouped by the database."""
    found: Counter[str] = Counter()
    paid = live_payments(start, end)
    _add(found, paid.annotate(net=F("amount") - _tax(F("amount"), "")), "")
    _add(found, gave_back(start, end).annotate(net=Coalesce(F("tax"), 0) - F("amount")), "payment__")
    _add(found, were_taken(start, end).annotate(net=_tax(F("amount"), "payment__") - F("amount")), "payment__")
    if beyond := overage(start, end):
        found[OVERAGE] += beyond
        found[API_LINE] -= beyond
    return {family: amount for family, amount in found.items() if amount}


def live_payments(start: datetime, end: datetime) -> QuerySet[Payment]:
    """Payments in US dollars that arrived then."""
    return (
        Payment.objects.unscoped()
        .filter(paid_at__gte=start, paid_at__lt=end, currency=CURRENCY, organization__livemode=True)
        .order_by()
    )


def gave_back(start: datetime, end: datetime) -> QuerySet[Refund]:
    """Refunds of such payments that were ordered then."""
    rows = Refund.objects.filter(state__in=(Refund.State.PENDING, Refund.State.SUCCEEDED))
    return rows.filter(_live_in(start, end)).order_by()


def were_taken(start: datetime, end: datetime) -> QuerySet[Dispute]:
    """Disputes of such payments that began then, and took the money: no inquiries, nor what was won."""
    return Dispute.objects.filter(Dispute.HOLDS_MONEY, _live_in(start, end)).order_by()


def _live_in(start: datetime, end: datetime) -> Q:
    return Q(
        created_at__gte=start, created_at__lt=end, payment__currency=CURRENCY, payment__organization__livemode=True
    )


def other_currencies(start: datetime, end: datetime) -> list[str]:
    """Those in which money came in that is not in these figures."""
    rows = Payment.objects.unscoped().filter(paid_at__gte=start, paid_at__lt=end, organization__livemode=True)
    return sorted(rows.exclude(currency=CURRENCY).order_by().values_list("currency", flat=True).distinct())


def overage(start: datetime, end: datetime) -> int:
    """What paid bills say of calls beyond plans. A bill counts when its payment arrived."""
    metered = [price.code for product in catalogue().products.values() for price in product.prices if price.meter]
    lines = InvoiceLine.objects.filter(
        Exists(live_payments(start, end).filter(invoice=OuterRef("invoice"))), price__in=metered
    )
    total: int | None = lines.aggregate(sum=Sum("amount"))["sum"]
    return total or 0


def _tax(amount: Any, prefix: str) -> Any:
    """The part of an amount that is the state's: as much of the tax as it is of the bill. All of it is exact."""
    parents = (f"{prefix}invoice", f"{prefix}order")
    shares = {parent: amount * F(f"{parent}__tax") / F(f"{parent}__total") for parent in parents}
    return Case(
        *(When(**{f"{parent}__total__gt": 0}, then=share) for parent, share in shares.items()),
        default=Value(0),
        output_field=BigIntegerField(),
    )


def _add(found: Counter[str], rows: QuerySet[Any], prefix: str) -> None:
    known = families()
    groups = rows.order_by().values_list(*(f"{prefix}{path}" for path in _PRODUCT)).annotate(sum=Sum("net"))
    for product, price, amount in groups:
        found[known.get(product or _product_of(price), OTHER)] += amount or 0


def _product_of(price: str | None) -> str:
    try:
        return catalogue().product_of(price).code if price else ""
    except NotFoundError:
        return ""
