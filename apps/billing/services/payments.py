"""Money that arrived: kept, booked, and told of once it is known what it was for."""

from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import Sum

from apps.accounts.models import Organization
from apps.billing import books
from apps.billing.catalogue import catalogue
from apps.billing.models import Invoice, Order, Payment, Refund
from apps.billing.services import credits, entitlements, fulfilment, overage, subscriptions
from apps.billing.services.customers import find
from apps.billing.services.paid_for import pays_for
from apps.billing.services.turns import take_turn
from apps.core.events import emit
from apps.core.money import Money
from apps.integrations.stripe import objects
from apps.integrations.stripe.watching import NeededFirstError, note, was_seen
from apps.usage.plans import API_CREDITS

log = structlog.get_logger(__name__)

SUCCEEDED, REVERSED = "payment_succeeded", "payment_reversed"
GOING_BACK = (Refund.State.PENDING, Refund.State.SUCCEEDED)


def apply(seen: objects.Payment) -> None:
    """Note what Stripe says of a payment now. One that did not arrive leaves no row: its invoice or order tells."""
    customer = find(seen.customer)
    if customer is None or seen.status != "succeeded" or seen.received <= 0:
        log.info("payment_not_ours_or_not_there", payment=seen.id, status=seen.status)
        return
    organization = customer.organization
    with transaction.atomic():
        take_turn(organization.pk)
        rows = Payment.objects.unscoped().select_for_update(of=("self",), no_key=True)
        row = rows.filter(stripe_id=seen.id).first() or Payment(
            stripe_id=seen.id, organization=organization, amount=seen.received, currency=seen.currency.upper()
        )
        row.charge, row.receipt, row.paid_at = seen.charge, seen.receipt[:500], seen.paid_at or seen.created
        row.fee = seen.fee if seen.fee_currency in ("", row.currency) else 0
        row.order = row.order or _order(organization, seen)
        row.invoice = (
            row.invoice or Invoice.objects.for_organization(organization).filter(payment_intent=seen.id).first()
        )
        row.save()
        books.book_payment(organization, seen.id, row.money, Money(seen.fee, seen.fee_currency or row.currency))
        _announce(row)


def gone_back(payment_intent: str, *, since: datetime) -> Payment | None:
    """The payment of which something went back at that time. None for one of somebody else's, through the same account.

    Raises `NeededFirstError` while it was not looked at since: what it is then is not known yet.
    """
    payment = Payment.objects.unscoped().filter(stripe_id=payment_intent).first()
    if payment is None and payment_intent and not was_seen("payment_intent", payment_intent, since=since):
        raise NeededFirstError("payment_intent", payment_intent)
    if payment is None:
        log.info("went_back_and_not_ours", payment=payment_intent)
    return payment


def adopt(parent: Order | Invoice) -> None:
    """What a payment was for is known later than the payment."""
    if not parent.payment_intent:
        return
    rows = Payment.objects.for_organization(parent.organization_id).filter(stripe_id=parent.payment_intent)
    row = rows.select_for_update(of=("self",), no_key=True).first()
    if row is None:  # written this moment by somebody who does not see its parent yet, perhaps
        note("payment_intent", parent.payment_intent)
        return
    name = "order" if isinstance(parent, Order) else "invoice"
    setattr(row, name, parent)
    row.save(update_fields=(name,))
    _announce(row)


def _order(organization: Organization, seen: objects.Payment) -> Order | None:
    """Only one that is paid: what it was for is known then, and given."""
    return Order.objects.for_organization(organization).filter(payment_intent=seen.id, paid_at__isnull=False).first()


def _announce(row: Payment) -> None:
    """Tell of it once, with what it was for. What came before that is known (a refund in the same second) follows."""
    if row.announced or not _is_known(row):
        return
    row.announced = True
    row.save(update_fields=("announced",))
    emit(SUCCEEDED, _told(row), organization_id=row.organization_id, realm_id=row.organization.realm_id)
    settle(row)
    for refund in row.refunds.filter(state__in=GOING_BACK, tax=None).exclude(stripe_id=None):
        note("refund", str(refund.stripe_id))  # its tax is known now


def _is_known(row: Payment) -> bool:
    """Whether it is known what a payment was for: an order that was given, or a bill that is not an order's."""
    return row.order is not None or (row.invoice is not None and row.invoice.order_id is None)


def settle(row: Payment) -> None:
    """Work out how much of a payment went back, and let everything that hung on it follow: once, in one event.

    Called under the payment's lock, whenever one of its refunds or disputes changed.
    """
    going = row.refunds.filter(state__in=GOING_BACK)
    row.refunded = going.aggregate(sum=Sum("amount"))["sum"] or 0
    row.disputed = min(sum(one.amount for one in row.disputes.all() if one.holds_money), row.amount)
    before = row.settled
    if row.announced:
        row.settled = row.gone
    row.save(update_fields=("refunded", "disputed", "settled"))
    if row.settled == before:
        return
    if row.order is not None:
        _settle_order(row.order, row)
    if row.invoice is not None:
        _settle_invoice(row.invoice, row)
    emit(
        REVERSED,
        {**_told(row), "reversed": row.settled, "was_reversed": before, "full": row.is_reversed},
        organization_id=row.organization_id,
        realm_id=row.organization.realm_id,
    )


def _settle_order(order: Order, row: Payment) -> None:
    if API_CREDITS in catalogue().product_of(order.price).grants:
        overage.settle_called(order.organization)  # what was used stays used
        credits.withdraw(order, row.settled, row.amount)
    if row.is_reversed and order.state == Order.State.PAID:
        order.state = Order.State.REVERSED
        entitlements.take_away(order.organization, order.public_id)
    elif not row.is_reversed and order.state == Order.State.REVERSED:
        order.state = Order.State.PAID
        fulfilment.give(order)
    order.save(update_fields=("state",))


def _settle_invoice(invoice: Invoice, row: Payment) -> None:
    """A payment that went back takes its subscription with it, where it paid for what that is now. A whole refund ends
    it for good; a dispute may be won."""
    if invoice.subscription is not None:
        refunded = row.refunded >= row.amount and pays_for(invoice.subscription, invoice)
        subscriptions.stand(invoice.subscription, end=refunded)


def _told(row: Payment) -> dict[str, object]:
    return {
        "payment": row.public_id,
        "amount": row.amount,
        "currency": row.currency,
        "fee": row.fee,
        "order": row.order.public_id if row.order else None,
        "invoice": row.invoice.public_id if row.invoice else None,
    }
