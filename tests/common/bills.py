"""Rows of billing as Stripe's objects leave them, made directly: for tests that ask no Stripe."""

from datetime import datetime, timedelta
from typing import Any

from apps.accounts.models import Organization, User
from apps.billing.models import (
    CreditGrant,
    CreditUse,
    Invoice,
    InvoiceLine,
    Order,
    OverageReport,
    Payment,
    Refund,
    Subscription,
)
from apps.core.clock import now
from apps.core.ids import new_id
from apps.usage.periods import month_of

OVERAGE = "api_usage_developer_overage"


def make_order(organization: Organization, price: str = "credits_1000", **fields: Any) -> Order:
    """An order that is over, where nothing else is said."""
    values: dict[str, Any] = {"state": Order.State.EXPIRED, "currency": "USD", **fields}
    return Order.objects.create(organization=organization, price=price, **values)


def make_subscription(organization: Organization, product: str = "api_usage_developer", **fields: Any) -> Subscription:
    """An active subscription of this month."""
    month = month_of(now())
    values: dict[str, Any] = {
        "line": "platform" if product == "base" else "api",
        "price": f"{product}_monthly",
        "status": Subscription.Status.ACTIVE,
        "currency": "USD",
        "stripe_id": f"sub_{new_id().hex}",
        "period_start": month.start,
        "period_end": month.end,
        **fields,
    }
    return Subscription.objects.create(organization=organization, product=product, **values)


def make_invoice(organization: Organization, *lines: tuple[str, int, int], **fields: Any) -> Invoice:
    """A paid invoice of the present month, with lines of (price, quantity, amount)."""
    month = month_of(now())
    values: dict[str, Any] = {
        "stripe_id": f"in_{new_id().hex}",
        "number": f"TEST-{new_id().hex[-6:]}",
        "status": Invoice.Status.PAID,
        "currency": "USD",
        "total": sum(amount for _price, _quantity, amount in lines),
        "page": "https://stripe.example/invoice",
        "pdf": "https://stripe.example/invoice.pdf",
        "period_start": month.start,
        "period_end": month.end,
        "created_at": now(),
        **fields,
    }
    invoice = Invoice.objects.create(organization=organization, **values)
    InvoiceLine.objects.bulk_create(
        InvoiceLine(
            invoice=invoice,
            stripe_id=f"il_{new_id().hex}",
            description=f"{quantity} × {price}",
            price=price,
            quantity=quantity,
            amount=amount,
            period_start=month.start,
            period_end=month.end,
        )
        for price, quantity, amount in lines
    )
    return invoice


def make_payment(organization: Organization, amount: int, **fields: Any) -> Payment:
    """Money that arrived."""
    values: dict[str, Any] = {"stripe_id": f"pi_{new_id().hex}", "currency": "USD", "paid_at": now(), **fields}
    return Payment.objects.create(organization=organization, amount=amount, announced=True, **values)


def make_grant(organization: Organization, units: int, **fields: Any) -> CreditGrant:
    """Credits that last for a year."""
    values: dict[str, Any] = {"reason": "API credits", "currency": "USD", "expires_at": _in_a_year(), **fields}
    return CreditGrant.objects.create(organization=organization, units=units, **values)


def make_bills(organization: Organization, user: User, count: int) -> Invoice:
    """A plan by usage and so many of all that its pages list. Returns an invoice with so many lines and payments."""
    subscription = Subscription.objects.for_organization(organization).first() or make_subscription(organization)
    month = month_of(now()).name
    for _number in range(count):
        make_invoice(organization, (OVERAGE, 1_000, 300), subscription=subscription)
        order = make_order(organization, state=Order.State.PAID, paid_at=now(), created_by=user)
        make_payment(organization, 500, order=order)
        grant = make_grant(organization, 1_000, order=order, amount=500, used=10)
        CreditUse.objects.create(grant=grant, organization=organization, period=month, units=10)
        OverageReport.objects.create(
            organization=organization, subscription=subscription, period=month, meter="api_overage", value=5
        )
    invoice = make_invoice(organization, *[(OVERAGE, 1_000, 300)] * count, subscription=subscription)
    for _number in range(count):
        payment = make_payment(organization, 300, invoice=invoice)
        Refund.objects.create(payment=payment, amount=100, state=Refund.State.SUCCEEDED)
    return invoice


def _in_a_year() -> datetime:
    return now() + timedelta(days=365)
