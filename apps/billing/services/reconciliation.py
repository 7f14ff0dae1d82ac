"""Comparing what we have with what Stripe has: payments, refunds, disputes, subscriptions, the ledger, the meters.

Each difference is a line of the report. What Stripe knows better is looked at again by the way, so that the next
comparison finds less; what is left is for people.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from apps.billing.models import (
    Difference,
    Dispute,
    Entitlement,
    OverageReport,
    Payment,
    Reconciliation,
    Refund,
    Subscription,
)
from apps.billing.selectors import find_customer
from apps.billing.services.catalogue_sync import code_of
from apps.billing.services.customers import find
from apps.billing.services.overage import overage_of
from apps.core.clock import now
from apps.integrations.inbox.selectors import known_events
from apps.integrations.stripe.connection import stripe
from apps.integrations.stripe.port import Stripe
from apps.integrations.stripe.watching import note
from apps.ledger.models import Transfer
from apps.usage.limits import limits_of
from apps.usage.periods import Period, month_of
from apps.usage.plans import API_PLAN

SPAN = timedelta(days=3)
SETTLED = timedelta(minutes=10)  # what is younger may be on its way
MISSING = "–"
BATCH = 500


@dataclass
class Findings:
    """What a comparison has found so far."""

    compared: dict[str, int] = field(default_factory=dict)
    lines: list[Difference] = field(default_factory=list)

    def compare(self, kind: str, subject: str, ours: object, theirs: object, organization: UUID | None = None) -> bool:
        """Note one comparison. Returns whether both agree."""
        self.compared[kind] = self.compared.get(kind, 0) + 1
        if ours == theirs:
            return True
        self.lines.append(
            Difference(
                kind=kind, subject=subject[:120], ours=str(ours)[:200], theirs=str(theirs)[:200],
                organization_id=organization,
            )
        )  # fmt: skip
        return False


def reconcile(span: timedelta = SPAN) -> Reconciliation:
    """Compare the last days, up to ten minutes ago, and keep the report."""
    end = now() - SETTLED
    begin, gateway, found = end - span, stripe(), Findings()
    for compare in (_events, _payments, _refunds, _disputes):
        compare(gateway, begin, end, found)
    _subscriptions(gateway, found)
    _ledger(begin, end, found)
    _balance(gateway, begin, end, found)
    _meters(gateway, found)
    _limits(found)
    with transaction.atomic():
        report = Reconciliation.objects.create(
            begin=begin, end=end, compared=found.compared, differences=len(found.lines)
        )
        for line in found.lines:
            line.reconciliation = report
        Difference.objects.bulk_create(found.lines, batch_size=BATCH)
    return report


def _events(gateway: Stripe, begin: datetime, end: datetime, found: Findings) -> None:
    """Events that never came: what they are about is looked at now."""
    events = {event.id: event for event in gateway.events(begin, end)}
    known = known_events("stripe", events)
    for key, event in events.items():
        if not found.compare("event", f"{event.type} {key}", "received" if key in known else MISSING, "received"):
            note(event.object_kind, event.object_id)


def _payments(gateway: Stripe, begin: datetime, end: datetime, found: Findings) -> None:
    for seen in gateway.payments(since=begin):
        customer = find(seen.customer) if seen.created <= end and seen.status == "succeeded" else None
        if customer is None:
            continue
        row = Payment.objects.unscoped().filter(stripe_id=seen.id).first()
        ours = (row.amount, row.refunded, row.currency) if row else MISSING
        theirs = (seen.received, seen.refunded, seen.currency.upper())
        if not found.compare("payment", seen.id, ours, theirs, customer.organization_id):
            note("payment_intent", seen.id)


def _refunds(gateway: Stripe, begin: datetime, end: datetime, found: Findings) -> None:
    for seen in gateway.refunds(since=begin):
        payment = Payment.objects.unscoped().filter(stripe_id=seen.payment_intent).first()
        if seen.created > end or payment is None:
            continue
        row = Refund.objects.filter(stripe_id=seen.id).first()
        ours = (row.amount, row.state) if row else MISSING
        expected = {"requires_action": "pending", "canceled": "failed"}.get(seen.status, seen.status)
        if not found.compare("refund", seen.id, ours, (seen.amount, expected), payment.organization_id):
            note("refund", seen.id)


def _disputes(gateway: Stripe, begin: datetime, end: datetime, found: Findings) -> None:
    for seen in gateway.disputes(since=begin):
        payment = Payment.objects.unscoped().filter(stripe_id=seen.payment_intent).first()
        if seen.created > end or payment is None:
            continue
        row = Dispute.objects.filter(stripe_id=seen.id).first()
        ours = (row.amount, row.status) if row else MISSING
        if not found.compare("dispute", seen.id, ours, (seen.amount, seen.status), payment.organization_id):
            note("dispute", seen.id)


def _subscriptions(gateway: Stripe, found: Findings) -> None:
    """All of them, and one of each line at most."""
    live: dict[tuple[UUID, str], list[str]] = {}
    for seen in gateway.subscriptions():
        customer = find(seen.customer)
        if customer is None:
            continue
        row = Subscription.objects.unscoped().filter(stripe_id=seen.id).first()
        main = next((item for item in seen.items if not item.metered), None)
        theirs = (seen.status, code_of(main.price, main.lookup_key) if main else "", main.quantity if main else 0)
        ours = (row.status, row.price, row.quantity) if row else MISSING
        if not found.compare("subscription", seen.id, ours, theirs, customer.organization_id):
            note("subscription", seen.id)
        if row is not None and not row.is_over:
            live.setdefault((row.organization_id, row.line), []).append(row.public_id)
    for (organization, line), ids in live.items():
        found.compare("subscriptions of one line", line, ", ".join(ids), ids[0], organization)


def _ledger(begin: datetime, end: datetime, found: Findings) -> None:
    """What is booked for each payment is what its row says."""
    rows = Payment.objects.unscoped().filter(paid_at__gte=begin, paid_at__lte=end).order_by("pk")
    for batch in _batches(rows.iterator(chunk_size=BATCH)):
        sums = _booked([row.stripe_id for row in batch])
        for row in batch:
            booked = (sums.get((row.stripe_id, "payment"), 0), sums.get((row.stripe_id, "refund"), 0))
            found.compare("ledger", row.public_id, booked, (row.amount, row.refunded), row.organization_id)


def _booked(subjects: list[str]) -> dict[tuple[str, str], int]:
    """The sums of transfers by what they belong to and what for; what was given back does not count."""
    made = Transfer.objects.filter(subject__in=subjects).exclude(resolution__outcome="voided")
    rows = made.values_list("subject", "code").annotate(sum=Sum("amount"))
    return {(subject, code): total for subject, code, total in rows}


def _balance(gateway: Stripe, begin: datetime, end: datetime, found: Findings) -> None:
    """What moved on our account at Stripe is booked, with its fee."""
    for seen in gateway.balance_transactions(begin, end):
        if seen.type not in ("charge", "payment"):
            continue
        row = Payment.objects.unscoped().filter(charge=seen.source).first() if seen.source else None
        if row is None:
            continue  # somebody else's, or told of as a payment above
        fees = Transfer.objects.filter(idempotency_key=f"fee:{row.stripe_id}").aggregate(sum=Sum("amount"))["sum"] or 0
        if not found.compare("fee", row.public_id, fees, seen.fee, row.organization_id):
            note("payment_intent", row.stripe_id)


def _meters(gateway: Stripe, found: Findings) -> None:
    """Overage of this month as we reported it and as Stripe has it; and that of the last one as it was counted."""
    meters = {meter.event_name: meter.id for meter in gateway.meters() if meter.active}
    month = month_of(now())
    for period in (month_of(month.start - timedelta(days=1)), month):
        rows = OverageReport.objects.unscoped().filter(period=period.name)
        pairs = rows.order_by().values_list("organization_id", "meter").distinct()
        for organization_id, meter in pairs:
            _meter(gateway, meters.get(meter, ""), period, organization_id, found, closed=period != month)


def _meter(
    gateway: Stripe, meter: str, period: Period, organization_id: UUID, found: Findings, *, closed: bool
) -> None:
    rows = OverageReport.objects.for_organization(organization_id).filter(period=period.name)
    sent = rows.filter(state=OverageReport.State.SENT).aggregate(sum=Sum("value"))["sum"] or 0
    first = rows.select_related("organization").first()
    customer = find_customer(first.organization) if first else None
    if first is None or customer is None or not customer.stripe_id or not meter:
        return
    until = min(period.end, now().astimezone(UTC).replace(second=0, microsecond=0))
    theirs = gateway.reported_usage(meter, customer.stripe_id, period.start, until)
    name = f"{period.name} {first.organization.public_id}"
    found.compare("meter", name, sent, theirs, organization_id)
    if closed:
        counted = overage_of(first.organization, period)
        found.compare("overage", name, counted, sent, organization_id)


def _limits(found: Findings) -> None:
    """The gate lets through what is paid for."""
    rows = Entitlement.objects.unscoped().filter(feature=API_PLAN).select_related("organization")
    for row in rows.iterator(chunk_size=BATCH):
        plan = limits_of(row.organization).plan
        found.compare("plan", row.organization.public_id, plan, row.value, row.organization_id)


def _batches(rows: Iterator[Payment]) -> Iterator[list[Payment]]:
    batch: list[Payment] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
