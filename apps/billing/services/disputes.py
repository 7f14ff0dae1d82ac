"""Payments that a bank takes back: held while the dispute is open, and reversed like refunds."""

from django.db import transaction
from django.utils.translation import gettext as _

from apps.billing import books
from apps.billing.models import Dispute, Payment
from apps.billing.services import payments, subscriptions
from apps.billing.services.customers import customer_of
from apps.billing.services.holds import hold
from apps.billing.services.refunds import locked
from apps.billing.services.turns import take_turn
from apps.core.events import emit
from apps.core.money import Money
from apps.integrations.stripe import objects

OPENED, CLOSED = "dispute_opened", "dispute_closed"


def apply(seen: objects.Dispute) -> None:
    """Note what Stripe says of a dispute now."""
    payment = payments.gone_back(seen.payment_intent, since=seen.created)
    if payment is None:
        return
    with transaction.atomic():
        take_turn(payment.organization_id)
        payment = locked(payment.pk)
        row = payment.disputes.filter(stripe_id=seen.id).first() or Dispute(payment=payment, stripe_id=seen.id)
        before = row.status
        row.amount, row.status, row.reason = seen.amount, seen.status, seen.reason[:60]
        row.fee = seen.fee if seen.fee_currency in ("", payment.currency) else 0
        row.due_by, row.created_at = seen.due_by, seen.created
        row.save()
        if seen.was_withdrawn or seen.is_won:
            books.book_dispute(
                row.public_id, payment.stripe_id, row.money,
                fee=Money(seen.fee, seen.fee_currency or payment.currency), won=seen.is_won, lost=seen.is_lost,
            )  # fmt: skip
        payments.settle(payment)
        if seen.is_lost and payment.invoice is not None and payment.invoice.subscription is not None:
            subscriptions.stand(payment.invoice.subscription, end=True)  # who takes money back is charged no more
        _tell(row, payment, before)


def _tell(row: Dispute, payment: Payment, before: str) -> None:
    told = {"dispute": row.public_id, "payment": payment.public_id, "amount": row.amount, "status": row.status}
    ids = {"organization_id": payment.organization_id, "realm_id": payment.organization.realm_id}
    closed = ("won", "lost", "warning_closed", "prevented")
    if not before:
        hold(customer_of(payment.organization), _("A payment of %(amount)s is disputed.") % {"amount": row.money})
        emit(OPENED, told, **ids)
    if row.status in closed and before not in closed:
        emit(CLOSED, told, **ids)
