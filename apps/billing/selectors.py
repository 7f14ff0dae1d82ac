"""Reads of billing."""

from datetime import timedelta

from django.db.models import F, Q, QuerySet, Sum

from apps.accounts.models import Organization
from apps.billing.models import (
    CreditGrant,
    CreditUse,
    Customer,
    Invoice,
    InvoiceLine,
    Order,
    OverageReport,
    Payment,
    Subscription,
)
from apps.core.errors import NotFoundError
from apps.usage.periods import Period


def find_customer(organization: Organization) -> Customer | None:
    """The organization as a customer; none before it wanted to buy something."""
    return Customer.objects.for_organization(organization).first()


def is_on_hold(organization: Organization) -> bool:
    """Whether the organization buys nothing until staff let go."""
    return Customer.objects.for_organization(organization).exclude(held_because="").exists()


def get_order(organization: Organization, public_id: str) -> Order:
    """An order with the credits that it gave. Raises `NotFoundError`."""
    rows = Order.objects.for_organization(organization).select_related("grant")
    order = rows.filter(pk=Order.parse_public_id(public_id)).first()
    if order is None:
        raise Order.missing(public_id)
    return order


def get_sandbox_order(organization: Organization, public_id: str) -> CreditGrant:
    """What was ordered in a sandbox: the day's credits themselves. Raises `NotFoundError`."""
    rows = CreditGrant.objects.for_organization(organization)
    grant = rows.filter(pk=CreditGrant.parse_public_id(public_id)).first()
    if grant is None:
        raise CreditGrant.missing(public_id)
    return grant


def is_open_order(organization: Organization, public_id: str) -> bool:
    """Whether this names an order that can still be paid."""
    try:
        return get_order(organization, public_id).state == Order.State.OPEN
    except NotFoundError:
        return False


def subscription_of(organization: Organization, line: str) -> Subscription | None:
    """The subscription of a line that is not over; the newest, should there be two."""
    rows = Subscription.objects.for_organization(organization).filter(line=line)
    return rows.exclude(status__in=Subscription.OVER).order_by("-created_at").first()


def is_known(organization: Organization, stripe_id: str) -> bool:
    """Whether a subscription at Stripe is one of the organization's here."""
    return Subscription.objects.for_organization(organization).filter(stripe_id=stripe_id).exists()


def had_line(organization: Organization, line: str) -> bool:
    """Whether the organization ever had a subscription of this line: a trial is had once."""
    return Subscription.objects.for_organization(organization).filter(line=line).exists()


def live_subscriptions(organization: Organization) -> list[Subscription]:
    """What the organization pays for again and again, the oldest first."""
    rows = Subscription.objects.for_organization(organization).exclude(status__in=Subscription.OVER)
    return list(rows.order_by("created_at"))


def get_subscription(organization: Organization, public_id: str) -> Subscription:
    """Raises `NotFoundError`."""
    key = Subscription.parse_public_id(public_id)
    row = Subscription.objects.for_organization(organization).filter(pk=key).first()
    if row is None:
        raise Subscription.missing(public_id)
    return row


def invoices_of(organization: Organization) -> QuerySet[Invoice]:
    """The organization's bills; drafts are not shown to anybody yet."""
    return Invoice.objects.for_organization(organization).exclude(status=Invoice.Status.DRAFT)


def get_invoice(organization: Organization, public_id: str) -> Invoice:
    """Raises `NotFoundError`."""
    row = invoices_of(organization).filter(pk=Invoice.parse_public_id(public_id)).first()
    if row is None:
        raise Invoice.missing(public_id)
    return row


def get_line(invoice: Invoice, key: int) -> InvoiceLine:
    """Raises `NotFoundError`."""
    row = invoice.lines.filter(pk=key).first()
    if row is None:
        raise NotFoundError
    return row


def unpaid_invoices(organization: Organization) -> list[Invoice]:
    """Bills that could not be paid, the oldest first, with their subscriptions."""
    tried = Q(status=Invoice.Status.OPEN, attempts__gt=0) | Q(status=Invoice.Status.UNCOLLECTIBLE)
    rows = invoices_of(organization).filter(tried, remaining__gt=0).select_related("subscription")
    return list(rows.order_by("created_at")[:10])


def payments_of(organization: Organization) -> QuerySet[Payment]:
    """What the organization paid, for orders and invoices."""
    rows = Payment.objects.for_organization(organization).select_related("order", "invoice")
    return rows.prefetch_related("invoice__lines")


def usable_grants(organization: Organization) -> QuerySet[CreditGrant]:
    """Grants with something left, in the order in which they are used. What has run out ends within a minute."""
    rows = CreditGrant.objects.for_organization(organization)
    rows = rows.filter(units__gt=F("used") + F("withdrawn") + F("expired"))
    return rows.order_by("priority", "expires_at", "pk")


def credits_left(organization: Organization) -> int:
    """The calls paid for in advance that are not settled with a month yet."""
    left = F("units") - F("used") - F("withdrawn") - F("expired")
    return usable_grants(organization).order_by().aggregate(left=Sum(left))["left"] or 0


def credits_used(organization: Organization, period: str) -> int:
    """The calls of a month that were taken from credits so far."""
    rows = CreditUse.objects.for_organization(organization).filter(period=period)
    return rows.aggregate(units=Sum("units"))["units"] or 0


def credits_used_by_month(organization: Organization, months: int = 12) -> list[tuple[str, int]]:
    """The latest months in which credits were used, the newest first, each with how many calls."""
    rows = CreditUse.objects.for_organization(organization).order_by().values("period")
    summed = rows.annotate(calls=Sum("units")).order_by("-period")[:months]
    return [(row["period"], row["calls"]) for row in summed]


def grants_of(organization: Organization) -> QuerySet[CreditGrant]:
    """All credits that there ever were, with the order that bought them."""
    return CreditGrant.objects.for_organization(organization).select_related("order")


def reports_of(organization: Organization, period: str) -> QuerySet[OverageReport]:
    """What Stripe was told of a month's overage, the latest first."""
    return OverageReport.objects.for_organization(organization).filter(period=period).order_by("-counted_at", "-pk")


def overage_reported(organization: Organization, period: str) -> int:
    """The overage of a month that Stripe was told of, or is about to be."""
    rows = OverageReport.objects.for_organization(organization).filter(period=period)
    return rows.filter(state__in=OverageReport.STANDING).aggregate(value=Sum("value"))["value"] or 0


def subscription_in(organization: Organization, line: str, period: Period) -> Subscription | None:
    """The subscription of a line that a month's bill is of: one that goes on, or that ended with the month."""
    rows = Subscription.objects.for_organization(organization).filter(line=line)
    going = ~Q(status__in=Subscription.OVER) | Q(ended_at__gte=period.end - timedelta(minutes=1))
    return rows.filter(going, created_at__lt=period.end).order_by("-created_at").first()
