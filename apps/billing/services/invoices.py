"""Bills as Stripe makes them: kept with their lines, booked once they are due, and followed up when nobody pays."""

import structlog
from django.db import transaction

from apps.accounts.models import Organization
from apps.billing import books
from apps.billing.catalogue import catalogue
from apps.billing.models import Invoice, InvoiceLine, Order, Subscription
from apps.billing.services import payments, subscriptions
from apps.billing.services.catalogue_sync import code_of
from apps.billing.services.customers import find
from apps.billing.services.turns import take_turn
from apps.core.errors import NotFoundError
from apps.core.events import emit
from apps.core.ids import InvalidIdError
from apps.core.money import Money
from apps.integrations.stripe import objects
from apps.integrations.stripe.watching import NeededFirstError, note

log = structlog.get_logger(__name__)

PAYMENT_FAILED, RECOVERED = "payment_failed", "payment_recovered"
Status = Invoice.Status
OTHER, DISCOUNTS = "other", "discounts"


def apply(seen: objects.Invoice) -> None:
    """Note what Stripe says of a bill now."""
    customer = find(seen.customer)
    if customer is None:
        log.info("invoice_of_nobody", invoice=seen.id)
        return
    subscription = _subscription(seen.subscription)
    organization = customer.organization
    with transaction.atomic():
        take_turn(organization.pk)
        rows = Invoice.objects.unscoped().select_for_update(of=("self",), no_key=True)
        row = rows.filter(stripe_id=seen.id).first() or Invoice(stripe_id=seen.id, organization=organization)
        before, attempts = row.status, row.attempts
        row.subscription, row.order = subscription, _order(organization, seen)
        row.number, row.reason, row.status = seen.number, seen.reason[:40], seen.status
        row.currency, row.total, row.tax, row.remaining = seen.currency.upper(), seen.total, seen.tax, seen.remaining
        row.attempts, row.next_attempt = seen.attempts, seen.next_attempt
        row.page, row.pdf = seen.page[:500], seen.pdf[:500]
        row.period_start, row.period_end, row.created_at = seen.period_start, seen.period_end, seen.created
        row.payment_intent = seen.payment_intents[-1] if seen.payment_intents else ""
        row.save()
        _keep_lines(row, seen.lines)
        if row.status == Status.PAID != before and subscription is not None:
            subscriptions.stand(subscription)  # on this bill from now on
        if row.order is None:  # what is bought once is booked with its order
            _book(row, organization)
        payments.adopt(row)
        if row.status != before:
            note("customer", seen.customer)  # a bill below zero is to their credit, another is lessened by it
        _follow_up(row, before, attempts)


def _subscription(stripe_id: str) -> Subscription | None:
    if not stripe_id:
        return None
    row = Subscription.objects.unscoped().filter(stripe_id=stripe_id).first()
    if row is None:
        raise NeededFirstError("subscription", stripe_id)
    return row


def _order(organization: Organization, seen: objects.Invoice) -> Order | None:
    """What was bought once, where it is the bill of that."""
    rows = Order.objects.for_organization(organization)
    try:
        return rows.filter(pk=Order.parse_public_id(seen.metadata["order"])).first() if not seen.subscription else None
    except (KeyError, InvalidIdError):
        return None


def _keep_lines(row: Invoice, lines: tuple[objects.Line, ...]) -> None:
    there = {line.stripe_id: line for line in row.lines.all()}
    row.lines.exclude(stripe_id__in=[line.id for line in lines]).delete()
    for line in lines:
        kept = there.get(line.id) or InvoiceLine(invoice=row, stripe_id=line.id)
        kept.description, kept.price = line.description[:300], code_of(line.price, line.lookup_key)[:40]
        kept.quantity, kept.amount, kept.is_proration = line.quantity, line.amount, line.is_proration
        kept.period_start, kept.period_end = line.period_start, line.period_end
        kept.save()


def _book(row: Invoice, organization: Organization) -> None:
    """What nobody pays stays billed and is written off: it may be paid after all. What is void was never to be paid."""
    if row.status in Invoice.DUE:
        books.book_bill(organization, row.stripe_id, sold(row), Money(row.tax, row.currency))
        lost = row.remaining if row.status == Status.UNCOLLECTIBLE else 0
        books.book_write_off(organization, row.stripe_id, Money(lost, row.currency))
    elif row.status == Status.VOID:
        books.book_write_off(organization, row.stripe_id, Money(0, row.currency))
        books.unbook_bill(row.stripe_id)


def sold(row: Invoice) -> dict[str, Money]:
    """What of a bill is for which product; what was taken off is a product of its own."""
    net = row.total - row.tax
    by_product: dict[str, int] = {}
    for line in row.lines.all():
        name = _product(line.price)
        by_product[name] = by_product.get(name, 0) + line.amount
    if rest := net - sum(by_product.values()):
        by_product[DISCOUNTS] = rest
    return {name: Money(amount, row.currency) for name, amount in by_product.items()}


def _product(price: str) -> str:
    try:
        return catalogue().product_of(price).code
    except NotFoundError:
        return OTHER


def _follow_up(row: Invoice, before: str, attempts: int) -> None:
    """Tell once of each attempt that failed, and that it was paid after all."""
    told = {
        "invoice": row.public_id,
        "attempt": row.attempts,
        "next_attempt": row.next_attempt.isoformat() if row.next_attempt else None,
    }
    ids = {"organization_id": row.organization_id, "realm_id": row.organization.realm_id}
    if row.status == Status.OPEN and row.remaining > 0 and row.attempts > attempts:
        emit(PAYMENT_FAILED, told, **ids)
    elif row.status == Status.PAID and before == Status.OPEN and attempts > 0 and row.total > 0:
        emit(RECOVERED, told, **ids)
