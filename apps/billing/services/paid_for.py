"""What a bill pays for: whether it is what its subscription is now, and what follows where its money was taken back."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import dropwhile, islice
from typing import Any

from django.db.models import F, Q

from apps.billing.models import Invoice, Payment, Refund, Subscription
from apps.core.clock import now

CHANGE = "subscription_update"  # the reason of a bill for more seats, or for another price
_WHOLE = ("", "subscription_create", "subscription_cycle")
_SAME_MOMENT = timedelta(minutes=1)  # Stripe's clock and ours
_TOLD_WITHIN = timedelta(minutes=10)  # a change without a bill is not waited for longer


def paid_until(invoice: Invoice) -> datetime:
    """The end of the time that a bill is for."""
    return max((line.period_end for line in invoice.lines.all()), default=invoice.period_end)


def pays_for(row: Subscription, invoice: Invoice) -> bool:
    """Whether a bill pays for what a subscription is now: for its price, for the change to it, or for a larger plan
    than it is since, and the time is not over. One seat more, or what a dearer plan was paid on top of, is not what it
    stands on."""
    if paid_until(invoice) <= now():
        return False
    lines = list(invoice.lines.all())
    charged = any(line.price == row.price and line.amount >= 0 for line in lines)
    if invoice.reason == CHANGE:
        return charged and any(line.price != row.price and line.amount < 0 for line in lines)
    return invoice.reason in _WHOLE and (charged or not _was_paid_on_top(row, invoice))


def _was_paid_on_top(row: Subscription, invoice: Invoice) -> bool:
    others = Invoice.objects.for_organization(row.organization_id).filter(subscription=row, total__gt=0)
    later = others.exclude(pk=invoice.pk).filter(created_at__gte=invoice.created_at)
    return later.filter(lines__price=row.price, lines__amount__gte=0).exists()


def given_back(payment: Payment) -> int:
    """What smaller plans gave back of a payment as credit, in minor units, but for what paid for the same subscription
    again. It comes from the latest payments of the time that the payment is for."""
    if payment.invoice is None or payment.invoice.subscription_id is None:
        return 0
    taken: dict[Any, int] = {payment.pk: 0}
    left = {payment.pk: _left(payment)}
    for bill in _bills_after(payment, payment.invoice):
        paid = list(bill.payments.all())
        for one in paid:
            taken[one.pk], left[one.pk] = 0, _left(one)
        credit = -bill.total
        if bill.total > 0:  # what was not paid in money
            credit = sum(one.amount for one in paid) + bill.remaining - bill.total
        for key in reversed(taken):
            part = min(credit, left[key] - taken[key]) if credit > 0 else max(credit, -taken[key])
            taken[key] += part
            credit -= part
    return taken[payment.pk]


def _left(payment: Payment) -> int:
    return payment.amount - payment.gone


def _bills_after(payment: Payment, invoice: Invoice) -> Iterable[Invoice]:
    """The later bills of a payment's subscription in the time that it is for, as they came."""
    bills = Invoice.objects.for_organization(payment.organization_id).filter(
        subscription=invoice.subscription_id, currency=payment.currency, status__in=Invoice.DUE
    )
    within = bills.filter(created_at__gte=invoice.created_at, created_at__lt=paid_until(invoice))
    in_order = within.order_by("created_at", "pk").prefetch_related("payments")
    return islice(dropwhile(lambda one: one.pk != invoice.pk, in_order), 1, None)


def was_refunded(row: Subscription) -> bool:
    """Whether something of what was paid for the present time went back: a smaller plan would do so once more."""
    payments = Payment.objects.for_organization(row.organization_id).filter(
        Q(disputed__gt=0) | Q(refunds__state__in=Refund.COUNTED), invoice__subscription=row
    )
    rows = payments.select_related("invoice").prefetch_related("invoice__lines").distinct()
    return any(one.invoice is not None and paid_until(one.invoice) > now() for one in rows)


def is_settling(payment: Payment) -> bool:
    """Whether the plan was changed this moment, and the bill of it is not known yet."""
    row = payment.invoice.subscription if payment.invoice is not None else None
    if row is None or row.changed_at is None or row.changed_at < now() - _TOLD_WITHIN:
        return False
    since = row.changed_at - _SAME_MOMENT
    return (
        not Invoice.objects.for_organization(row.organization_id)
        .filter(subscription=row, created_at__gte=since, reason=CHANGE)
        .exists()
    )


def is_taken_back(row: Subscription) -> bool:
    """Whether a bill that pays for what a subscription is now was taken back by a bank, or most of it: until that is
    won, or the next bill is paid."""
    return any(pays_for(row, bill) for bill in _taken_back(row))


def standing_quantity(row: Subscription) -> int:
    """How many of a subscription's seats stand: without those whose bill was taken back by a bank."""
    before = [
        line.quantity
        for bill in _taken_back(row)
        if bill.reason == CHANGE and paid_until(bill) > now()
        for line in bill.lines.all()
        if line.price == row.price and line.amount < 0
    ]
    return min([row.quantity, *before])


def _taken_back(row: Subscription) -> Iterator[Invoice]:
    """The bills of a subscription whose money went back: wholly, or more than half of it by a bank."""
    taken = Payment.objects.for_organization(row.organization_id).filter(
        Q(settled__gte=F("amount")) | Q(disputed__gt=F("amount") / 2), invoice__subscription=row, disputed__gt=0
    )
    for one in taken.select_related("invoice").prefetch_related("invoice__lines"):
        if one.invoice is not None:
            yield one.invoice
