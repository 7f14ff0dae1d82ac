"""What customers have to their credit, against their balances at Stripe: so much less of a payment can be refunded."""

from collections.abc import Iterable
from uuid import UUID

from apps.billing.models import Customer, Invoice, Subscription
from apps.billing.services.reconciliation.findings import MISSING, Compared, Findings, Span, batches
from apps.integrations.stripe.port import Stripe

Suspect = tuple[Customer, str]  # with what Stripe says


def compare(gateway: Stripe, span: Span, found: Findings) -> None:
    """All of them, as they are now. Who seems to have another one is left out while anything of theirs moves."""
    listed: set[str] = set()
    suspects: list[Suspect] = []
    for batch in batches(gateway.customers()):
        rows = {row.stripe_id: row for row in _rows(seen.id for seen in batch)}
        for seen in batch:
            listed.add(seen.id)
            row = rows.get(seen.id)
            if row is None:
                continue
            if _words(row.credit, row.currency) == (theirs := _words(seen.credit, seen.currency)):
                found.take(_compared(row, theirs))
            else:
                suspects.append((row, theirs))
    having = Customer.objects.unscoped().filter(credit__gt=0).order_by("pk").iterator()
    suspects += [(row, MISSING) for row in having if row.stripe_id not in listed]
    if suspects:
        _take(gateway, span, suspects, found)


def _take(gateway: Stripe, span: Span, suspects: list[Suspect], found: Findings) -> None:
    moving = {event.object_id for event in gateway.events(span.end)} | span.moving
    owners = _owners_of(moving)
    fresh = {row.pk: row for row in Customer.objects.unscoped().filter(pk__in=[row.pk for row, _theirs in suspects])}
    for row, theirs in suspects:
        if row.stripe_id not in moving and row.organization_id not in owners:
            found.take(_compared(fresh[row.pk], theirs))


def _owners_of(moving: Iterable[str]) -> set[UUID]:
    """Whose bills and subscriptions these are: with them the credit changes."""
    ids = list(moving)
    owners: set[UUID] = set()
    for model in (Invoice, Subscription):
        rows = model.objects.unscoped().filter(stripe_id__in=ids)
        owners |= set(rows.values_list("organization_id", flat=True))
    return owners


def _compared(row: Customer, theirs: str) -> Compared:
    look = ("customer", str(row.stripe_id))
    return Compared("credit", row.public_id, _words(row.credit, row.currency), theirs, row.organization_id, look)


def _words(credit: int, currency: str) -> str:
    return f"{credit} {currency}" if credit else "0"


def _rows(stripe_ids: Iterable[str]) -> list[Customer]:
    return list(Customer.objects.unscoped().filter(stripe_id__in=list(stripe_ids)))
