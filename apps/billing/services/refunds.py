"""Giving money back: ordered by staff, done at Stripe once, and followed by everything that hung on the payment."""

from datetime import datetime
from typing import Any

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from apps.audit.services import record
from apps.billing import books
from apps.billing.errors import RefundTooLargeError
from apps.billing.models import Payment, Refund
from apps.billing.services import payments
from apps.billing.services.paid_for import given_back, is_settling
from apps.billing.services.turns import take_turn
from apps.core.doorbell import ring
from apps.core.errors import ConflictError
from apps.core.ids import InvalidIdError
from apps.core.money import Money
from apps.integrations.stripe import objects
from apps.integrations.stripe.connection import stripe
from apps.integrations.stripe.errands import run_errands
from apps.integrations.stripe.errors import StripeRefusedError
from apps.integrations.stripe.watching import NeededFirstError, note, was_seen

log = structlog.get_logger(__name__)

REFUND_TASK = "billing.refund"
State = Refund.State
_STATES = {
    "pending": State.PENDING,
    "requires_action": State.PENDING,
    "succeeded": State.SUCCEEDED,
    "failed": State.FAILED,
    "canceled": State.FAILED,
}


def left_of(payment: Payment) -> Money:
    """What did not go back of a payment, nor is about to."""
    ordered = sum(row.amount for row in payment.refunds.filter(state__in=Refund.COUNTED))
    return Money(max(payment.amount - ordered - payment.disputed, 0), payment.currency)


def refundable(payment: Payment) -> Money:
    """What can be refunded of a payment: what is left of it, less what a smaller plan gave back already."""
    return max(left_of(payment) - credited(payment), Money(0, payment.currency))


def credited(payment: Payment) -> Money:
    """What of a payment a smaller plan gave back, as credit for other bills."""
    return Money(given_back(payment), payment.currency)


def order_refund(payment: Payment, amount: int, *, reason: str, note: str, by: Any) -> Refund:
    """Order that so much of a payment goes back, in minor units. Raises `RefundTooLargeError`, and
    `ConflictError` while it is not known yet what a change of this moment gave back."""
    with transaction.atomic():
        take_turn(payment.organization_id)
        fresh = locked(payment.pk)
        if is_settling(fresh):
            raise ConflictError(
                _("The plan was changed a moment ago. What that gave back is known within minutes: try again then.")
            )
        left = refundable(fresh)
        if not 0 < amount <= left.minor:
            raise RefundTooLargeError(_("At most %(left)s can be refunded.") % {"left": left})
        made = Refund.objects.create(
            payment=fresh, amount=amount, reason=reason, note=note[:300], state=State.ORDERED, ordered_by=by
        )
        record(
            "billing.refund_ordered",
            target=fresh,
            data={"amount": amount, "currency": fresh.currency, "reason": reason, "note": made.note},
            organization_id=fresh.organization_id,
        )
        ring(REFUND_TASK)
    return made


def refund_ordered() -> int:
    """Do what was ordered. Returns how many were tried."""
    waiting = Refund.objects.filter(state=State.ORDERED).select_related("payment__organization")
    return run_errands(waiting, _go, _done, _refused, first=lambda row: take_turn(row.payment.organization_id))


def _go(row: Refund) -> objects.Refund:
    """Tried again it is looked for first: Stripe forgets the key after a day."""
    gateway = stripe(row.payment.organization.realm_id)
    if row.attempts > 1:
        made = gateway.refunds(row.payment.stripe_id)
        if found := next((one for one in made if one.metadata.get("refund") == row.public_id), None):
            return found
    return gateway.refund(
        row.payment.stripe_id,
        amount=row.amount,
        reason=row.reason,
        metadata={"refund": row.public_id},
        key=row.public_id,
    )


def _done(row: Refund, seen: objects.Refund) -> None:
    try:
        _note(row, seen)
    except NeededFirstError as needed:  # looked for again when its lease is over
        note(needed.kind, needed.object_id)


def _refused(row: Refund, error: StripeRefusedError) -> None:
    row.state, row.last_error = State.REFUSED, f"{error.code}: {error.detail}"[:300]
    row.save(update_fields=("state", "last_error"))
    log.error("refund_refused", refund=row.public_id, code=error.code)


def apply(seen: objects.Refund) -> None:
    """Note what Stripe says of a refund now: one of ours, or one that was made at Stripe."""
    payment = payments.gone_back(seen.payment_intent, since=seen.created)
    if payment is not None:
        with transaction.atomic():
            take_turn(payment.organization_id)
            _note(_row(payment, seen), seen)


def _row(payment: Payment, seen: objects.Refund) -> Refund:
    row = payment.refunds.filter(stripe_id=seen.id).first()
    if row is None and (ours := seen.metadata.get("refund")):
        try:
            row = payment.refunds.filter(pk=Refund.parse_public_id(ours), stripe_id=None).first()
        except InvalidIdError:
            log.warning("refund_of_unknown_order", refund=seen.id)
    reason = seen.reason if seen.reason in Refund.Reason.values else ""
    return row or Refund(payment=payment, amount=seen.amount, reason=reason, created_at=seen.created)


def _note(row: Refund, seen: objects.Refund) -> None:
    """Under the payment's lock."""
    payment = locked(row.payment_id)
    row.payment = payment
    row.stripe_id, row.state, row.last_error = seen.id, _STATES.get(seen.status, State.PENDING), ""
    if row.state in payments.GOING_BACK:
        _check_others(row, payment, since=seen.created)
    if row.tax is None and row.state != State.FAILED and payment.announced:
        row.tax = _tax(row, payment)
    row.save()
    _book(row, payment)
    payments.settle(payment)


def _check_others(row: Refund, payment: Payment, *, since: datetime) -> None:
    """Stripe never gives back more than was paid: where it seems to, another refund failed, and nobody told us yet.

    Raises `NeededFirstError`.
    """
    others = payment.refunds.filter(state__in=payments.GOING_BACK).exclude(pk=row.pk).order_by("created_at")
    if sum(one.amount for one in others) + row.amount <= payment.amount:
        return
    for one in others:
        if not was_seen("refund", str(one.stripe_id), since=since):
            raise NeededFirstError("refund", str(one.stripe_id))


def _book(row: Refund, payment: Payment) -> None:
    if row.state == State.FAILED:
        books.unbook_refund(row.public_id)
        return
    tax = None if row.tax is None else Money(row.tax, payment.currency)
    books.book_refund(row.public_id, payment.stripe_id, row.money, tax=tax, succeeded=row.state == State.SUCCEEDED)


def _tax(row: Refund, payment: Payment) -> int:
    """The part of a refund that is tax: what is missing to the share of all that went back, and never below nothing.

    So the parts add up to the tax of what was paid, whichever of them is told of first, and whichever fails. Of a bill
    that was paid with credit too, this is the share of what was paid in money.
    """
    document = payment.order or payment.invoice
    if document is None:
        return 0
    booked = [
        one for one in payment.refunds.exclude(pk=row.pk) if one.tax is not None and one.state in payments.GOING_BACK
    ]
    back = sum(one.amount for one in booked) + row.amount
    due = document.tax * back // max(document.total, payment.amount)
    return max(due - sum(one.tax or 0 for one in booked), 0)


def locked(key: Any) -> Payment:
    """A payment as it is now, which nobody else changes meanwhile."""
    rows = Payment.objects.unscoped().select_for_update(of=("self",), no_key=True)
    return rows.select_related("organization", "order", "invoice__subscription").get(pk=key)
