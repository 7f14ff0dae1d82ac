"""Subscriptions from both sides: what Stripe has of them, what we have, and one of each line at most."""

from uuid import UUID

from django.db.models import Count

from apps.billing.catalogue import catalogue
from apps.billing.models import PriceAtStripe, Subscription
from apps.billing.services.reconciliation.findings import MISSING, Compared, Findings, Span, batches
from apps.billing.services.reconciliation.stripe_side import customers
from apps.core.errors import NotFoundError
from apps.integrations.stripe import objects
from apps.integrations.stripe.port import Stripe

SHOWN = 4


def compare(gateway: Stripe, span: Span, found: Findings) -> None:
    """All of them: what renews itself is of no span."""
    codes = dict(PriceAtStripe.objects.values_list("stripe_id", "code"))
    listed: set[str] = set()
    for batch in batches(gateway.subscriptions()):
        owners = customers(seen.customer for seen in batch)
        rows = Subscription.objects.unscoped().filter(stripe_id__in=[seen.id for seen in batch]).order_by()
        there = {row.stripe_id: row for row in rows}
        for seen in batch:
            row = there.get(seen.id)
            if row is not None and not row.is_over:  # only these are missed below
                listed.add(seen.id)
            if seen.customer not in owners or seen.created > span.end or seen.id in span.moving:
                continue
            if (one := _compared(seen, row, codes, owners[seen.customer])) is not None:
                found.take(one)
    _not_listed(listed, span, found)
    _of_one_line(found)


def _compared(
    seen: objects.Subscription, row: Subscription | None, codes: dict[str, str], owner: UUID
) -> Compared | None:
    """None for one that sells nothing of ours."""
    main = next((item for item in seen.items if not item.metered and _is_ours(_code(item, codes))), None)
    if main is None and row is None:
        return None
    ours = f"{row.status} {row.price} × {row.quantity}" if row else MISSING
    theirs = f"{seen.status} {_code(main, codes)} × {main.quantity or 1}" if main else f"{seen.status} nothing of ours"
    return Compared("subscription", seen.id, ours, theirs, owner, ("subscription", seen.id))


def _code(item: objects.Item, codes: dict[str, str]) -> str:
    return codes.get(item.price) or item.lookup_key


def _is_ours(code: str) -> bool:
    try:
        catalogue().price(code)
    except NotFoundError:
        return False
    return True


def _not_listed(listed: set[str], span: Span, found: Findings) -> None:
    """Live here, unknown there."""
    rows = Subscription.objects.unscoped().exclude(status__in=Subscription.OVER).filter(created_at__lte=span.end)
    for row in rows.order_by("pk").iterator():
        if row.stripe_id not in listed and row.stripe_id not in span.moving:
            ours = f"{row.status} {row.price} × {row.quantity}"
            look = ("subscription", row.stripe_id)
            found.take(Compared("subscription", row.stripe_id, ours, MISSING, row.organization_id, look))


def _of_one_line(found: Findings) -> None:
    """Two that pay for the same: one is too many, and people decide which."""
    rows = Subscription.objects.unscoped().exclude(status__in=Subscription.OVER).order_by()
    doubled = rows.values_list("organization_id", "line").annotate(count=Count("pk")).filter(count__gt=1)
    for organization, line, _count in doubled:
        of = Subscription.objects.for_organization(organization).exclude(status__in=Subscription.OVER)
        names = [row.public_id for row in of.filter(line=line).order_by("created_at")[:SHOWN]]
        found.take(Compared("subscriptions of one line", line, ", ".join(names), names[0], organization))
