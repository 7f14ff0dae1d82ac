"""What Stripe lists, against our rows: events, payments, fees, refunds, disputes, bills and payment pages; and what of
ours it does not list."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Min, Q, Sum

from apps.billing.models import Customer, Dispute, Invoice, Order, Payment, Refund
from apps.billing.services.reconciliation.findings import MISSING, Compared, Findings, Span, batches, money, own_key
from apps.integrations.inbox.selectors import known_events
from apps.integrations.stripe import objects
from apps.integrations.stripe.port import Stripe
from apps.ledger.models import Transfer

REFUND_STATES = {"requires_action": "pending", "canceled": "failed"}  # Stripe's words for what we call so
PAGE_LASTS = timedelta(days=1)  # what was paid now was opened within a day


def compare_events(gateway: Stripe, span: Span, found: Findings) -> Span:
    """Events that never came: what they are about is looked at now. Returns the span with what moves still."""
    moving = set()
    for batch in batches(gateway.events(span.begin)):
        known = known_events("stripe", [event.id for event in batch])
        for event in batch:
            if event.created > span.end:
                moving.add(event.object_id)
                continue
            ours = "received" if event.id in known else MISSING
            look = (event.object_kind, event.object_id)
            found.take(Compared("event", f"{event.type} {event.id}", ours, "received", look=look))
    return Span(span.begin, span.end, frozenset(moving))


def compare(gateway: Stripe, span: Span, found: Findings) -> None:
    """All but events, and subscriptions, which have both sides in a module of their own."""
    _payments(gateway, span, found)
    _refunds(gateway, span, found)
    _disputes(gateway, span, found)
    _invoices(gateway, span, found)
    _pages(gateway, span, found)


def customers(stripe_ids: Iterable[str]) -> dict[str, UUID]:
    """Whose these customers are; others may sell through the same account."""
    rows = Customer.objects.unscoped().filter(stripe_id__in=set(stripe_ids))
    return {str(key): owner for key, owner in rows.values_list("stripe_id", "organization_id")}


# Payments and their fees ----------------------------------------------------------------------------------------------
def _payments(gateway: Stripe, span: Span, found: Findings) -> None:
    """A payment that arrived now may have been begun before the span: the movement on our account tells of it too."""
    listed = set()
    for batch in batches(gateway.payments(since=span.begin)):
        owners = customers(seen.customer for seen in batch)
        rows = {row.stripe_id: row for row in _payment_rows(stripe_id__in=[seen.id for seen in batch])}
        for seen in batch:
            listed.add(seen.id)
            if seen.customer in owners and seen.status == "succeeded" and _is_still(seen.id, seen.created, span):
                found.take(_payment(seen, rows.get(seen.id), owners[seen.customer]))
    listed |= _fees(gateway, span, found)
    ours = Payment.objects.unscoped().filter(paid_at__range=(span.begin, span.end))
    _not_listed(ours, listed, "payment", "payment_intent", found)


def _payment(seen: objects.Payment, row: Payment | None, owner: UUID) -> Compared:
    ours = f"{money(paid=row.amount, refunded=row.refunded)} {row.currency}" if row else MISSING
    theirs = f"{money(paid=seen.received, refunded=seen.refunded)} {seen.currency.upper()}"
    return Compared("payment", seen.id, ours, theirs, owner, ("payment_intent", seen.id))


def _fees(gateway: Stripe, span: Span, found: Findings) -> set[str]:
    """What Stripe took is booked. Returns the payments whose money moved."""
    moved = set()
    for batch in batches(gateway.balance_transactions(span.begin)):
        charges = {seen.source: seen for seen in batch if seen.type in ("charge", "payment") and seen.source}
        rows = list(_payment_rows(charge__in=list(charges)))
        booked = _fees_booked((row.stripe_id for row in rows), "fee")
        for row in rows:
            moved.add(row.stripe_id)
            seen = charges[row.charge]
            if not _is_still(row.stripe_id, seen.created, span):
                continue
            ours, theirs = booked.get(row.stripe_id, ""), money(**{seen.currency: seen.fee}) if seen.fee else ""
            look = ("payment_intent", row.stripe_id)
            found.take(Compared("fee", row.public_id, ours, theirs, row.organization_id, look))
    return moved


def _fees_booked(subjects: Iterable[str], code: str) -> dict[str, str]:
    """What was booked as fees for these payments, by currency; what was given back is taken off."""
    made = Transfer.objects.filter(subject__in=list(subjects), code__startswith=code).order_by()
    sums: dict[str, dict[str, int]] = {}
    for side, sign in (("debit", 1), ("credit", -1)):
        rows = made.filter(**{f"{side}__key__startswith": "fees:"}).values_list("subject", "currency")
        for subject, currency, total in rows.annotate(sum=Sum("amount")):
            of = sums.setdefault(subject, {})
            of[currency] = of.get(currency, 0) + sign * total
    return {subject: money(**{name: sum for name, sum in of.items() if sum}) for subject, of in sums.items()}


# Money back -----------------------------------------------------------------------------------------------------------
def _refunds(gateway: Stripe, span: Span, found: Findings) -> None:
    """As far back as one is on its way here."""
    pending = Refund.objects.filter(state=Refund.State.PENDING).aggregate(oldest=Min("created_at"))["oldest"]
    listed = set()
    for batch in batches(gateway.refunds(since=min(span.begin, pending or span.begin))):
        owners = _payers(seen.payment_intent for seen in batch)
        rows = {row.stripe_id: row for row in Refund.objects.filter(stripe_id__in=[seen.id for seen in batch])}
        for seen in batch:
            listed.add(seen.id)
            if seen.payment_intent in owners and _is_still(seen.id, seen.created, span):
                row, state = rows.get(seen.id), REFUND_STATES.get(seen.status, seen.status)
                ours = f"{row.state} {row.amount}" if row else MISSING
                theirs, owner = f"{state} {seen.amount}", owners[seen.payment_intent]
                found.take(Compared("refund", seen.id, ours, theirs, owner, ("refund", seen.id)))
    ours_ = Refund.objects.filter(Q(created_at__range=(span.begin, span.end)) | Q(state=Refund.State.PENDING))
    _not_listed(ours_.exclude(stripe_id=None).select_related("payment"), listed, "refund", "refund", found)


def _disputes(gateway: Stripe, span: Span, found: Findings) -> None:
    """As far back as one is undecided here. With what Stripe charges for it."""
    undecided = Dispute.objects.filter(status__in=Dispute.UNDECIDED)
    oldest = undecided.aggregate(oldest=Min("created_at"))["oldest"]
    listed = set()
    for batch in batches(gateway.disputes(since=min(span.begin, oldest or span.begin))):
        owners = _payers(seen.payment_intent for seen in batch)
        rows = {row.stripe_id: row for row in Dispute.objects.filter(stripe_id__in=[seen.id for seen in batch])}
        fees = _fees_booked(owners, "dispute:fee")
        for seen in batch:
            listed.add(seen.id)
            if seen.payment_intent in owners and _is_still(seen.id, seen.created, span):
                found.take(_dispute(seen, rows.get(seen.id), fees, owners[seen.payment_intent]))
    ours = Dispute.objects.filter(Q(created_at__range=(span.begin, span.end)) | Q(status__in=Dispute.UNDECIDED))
    _not_listed(ours.select_related("payment"), listed, "dispute", "dispute", found)


def _dispute(seen: objects.Dispute, row: Dispute | None, fees: dict[str, str], owner: UUID) -> Compared:
    fee = money(**{seen.fee_currency: seen.fee}) if seen.fee and seen.fee_currency else ""
    ours = f"{row.status} {row.amount} fee {fees.get(seen.payment_intent, '')}" if row else MISSING
    return Compared(
        "dispute", seen.id, ours, f"{seen.status} {seen.amount} fee {fee}", owner, ("dispute", seen.id)
    )  # fmt: skip


def _payers(payment_intents: Iterable[str]) -> dict[str, UUID]:
    """Whose payments these are."""
    return {row.stripe_id: row.organization_id for row in _payment_rows(stripe_id__in=set(payment_intents))}


# Bills and payment pages ----------------------------------------------------------------------------------------------
def _invoices(gateway: Stripe, span: Span, found: Findings) -> None:
    """Those of the span, and older ones that are open on either side."""
    listed: set[str] = set()
    for since, status in ((span.begin, ""), (None, "open")):
        for batch in batches(gateway.invoices(since=since, status=status, whole=False)):
            fresh = [seen for seen in batch if seen.id not in listed]
            listed |= {seen.id for seen in fresh}
            owners = customers(seen.customer for seen in fresh)
            rows = {row.stripe_id: row for row in _invoice_rows(stripe_id__in=[seen.id for seen in fresh])}
            for seen in fresh:
                if seen.customer in owners and _is_still(seen.id, seen.created, span):
                    found.take(_invoice(seen, rows.get(seen.id), owners[seen.customer]))
    ours = _invoice_rows(Q(created_at__range=(span.begin, span.end)) | Q(status=Invoice.Status.OPEN))
    ours = ours.exclude(stripe_id__in=span.moving)
    _not_listed(ours, listed, "invoice", "invoice", found)


def _invoice(seen: objects.Invoice, row: Invoice | None, owner: UUID) -> Compared:
    ours = f"{row.status} {money(total=row.total, remaining=row.remaining)} {row.currency}" if row else MISSING
    theirs = f"{seen.status} {money(total=seen.total, remaining=seen.remaining)} {seen.currency.upper()}"
    return Compared("invoice", seen.id, ours, theirs, owner, ("invoice", seen.id))


def _pages(gateway: Stripe, span: Span, found: Findings) -> None:
    """What was paid at a payment page is given here; a page that is closed there is not open here."""
    for batch in batches(gateway.checkouts(since=span.begin - PAGE_LASTS)):
        keys = {seen.id: key for seen in batch if (key := own_key(Order, seen.reference)) is not None}
        rows = {row.pk: row for row in Order.objects.unscoped().filter(pk__in=keys.values())}
        for seen in batch:
            row = rows.get(keys[seen.id]) if seen.id in keys else None
            if row is None or seen.id in span.moving or row.created_at > span.end:
                continue
            is_paid = seen.status == "complete" and seen.payment_status != "unpaid"
            if not is_paid and row.session_id != seen.id:
                continue  # another of its pages is the one that counts
            ours = "paid" if row.state in (Order.State.PAID, Order.State.REVERSED) else row.state
            theirs = "paid" if is_paid else "open" if seen.status == "complete" else seen.status
            look = ("checkout.session", seen.id)
            found.take(Compared("payment page", row.public_id, ours, theirs, row.organization_id, look))


# What both have in common ---------------------------------------------------------------------------------------------
def _is_still(stripe_id: str, created: Any, span: Span) -> bool:
    """Whether nothing of it can be on its way."""
    return created <= span.end and stripe_id not in span.moving


def _payment_rows(**which: Any) -> Iterator[Payment]:
    return Payment.objects.unscoped().filter(**which).order_by().iterator()


def _invoice_rows(*which: Q, **named: Any) -> Any:
    return Invoice.objects.unscoped().filter(*which, **named).order_by("pk")


def _not_listed(rows: Any, listed: set[str], kind: str, stripe_kind: str, found: Findings) -> None:
    """What we have of this time and Stripe does not list."""
    for row in rows.order_by("pk").iterator():
        if row.stripe_id not in listed:
            owner = row.organization_id if hasattr(row, "organization_id") else row.payment.organization_id
            found.take(Compared(kind, row.stripe_id, row, MISSING, owner, (stripe_kind, row.stripe_id)))
