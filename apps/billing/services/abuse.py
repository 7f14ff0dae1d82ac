"""Signs that somebody has more than they pay for: found once a day, for people to judge."""

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, QuerySet
from django.utils.translation import gettext as _

from apps.accounts.models import Role
from apps.audit.services import record
from apps.billing.catalogue import API_LINE
from apps.billing.models import AbuseFlag, Customer, Dispute, Refund, Subscription
from apps.core.clock import now
from apps.core.errors import ConflictError

LOOKED_BACK = timedelta(days=90)
SHORT = timedelta(days=7)  # a month's calls are had for the days that are left of it
Found = Mapping[uuid.UUID, int]


def look() -> int:
    """Raise what is seen for the first time, and count anew what is open. Returns how many were raised."""
    moment = now()
    return sum(_raise(sign, find(moment - LOOKED_BACK), moment) for sign, find in SIGNS.items())


def settle(flag: AbuseFlag, note: str) -> None:
    """Staff looked at it. Raises `ConflictError` for one that is settled."""
    rows = AbuseFlag.objects.unscoped().filter(pk=flag.pk, settled_at=None)
    if not rows.update(settled_at=now(), note=note[:300]):
        raise ConflictError(_("This is settled already."))
    record("billing.abuse_settled", target=flag, data={"sign": flag.sign}, organization_id=flag.organization_id)


def _raise(sign: str, found: Found, moment: datetime) -> int:
    rows = AbuseFlag.objects.unscoped().filter(sign=sign, organization__in=list(found))
    open_ = {row.organization_id: row for row in rows.filter(settled_at=None)}
    quiet = set(rows.filter(settled_at__gt=moment - LOOKED_BACK).values_list("organization", flat=True))
    fresh = [
        AbuseFlag(organization_id=key, sign=sign, count=count, created_at=moment)
        for key, count in found.items()
        if key not in open_ and key not in quiet
    ]
    grown = [row for key, row in open_.items() if row.count != found[key]]
    for row in grown:
        row.count = found[row.organization_id]
    AbuseFlag.objects.unscoped().bulk_update(grown, ("count",), batch_size=500)
    AbuseFlag.objects.unscoped().bulk_create(fresh, ignore_conflicts=True, batch_size=500)  # another look was quicker
    return len(fresh)


def _short_plans(since: datetime) -> Found:
    """API plans that ended within days."""
    rows = Subscription.objects.unscoped().filter(line=API_LINE, created_at__gte=since)
    return _counted(rows.filter(ended_at__lte=F("created_at") + SHORT), "organization", 2)


def _trials(since: datetime) -> Found:
    """Trials of one line by several organizations of an owner: the latest is looked at, or the one that was before."""
    tried = (
        Subscription.objects.unscoped()
        .filter(created_at__gte=since, trial_end__isnull=False, organization__memberships__role=Role.OWNER)
        .annotate(owner=F("organization__memberships__user"))
    )
    groups = tried.order_by().values("owner", "line").annotate(count=Count("organization", distinct=True))
    counts = {(one["owner"], one["line"]): one["count"] for one in groups.filter(count__gte=3)}
    rows = tried.filter(owner__in={owner for owner, _line in counts}).order_by("created_at")
    flags = AbuseFlag.objects.unscoped().filter(
        sign=AbuseFlag.Sign.TRIALS, organization__in=rows.values("organization")
    )
    known = set(flags.exclude(settled_at__lte=since).values_list("organization", flat=True)) if counts else set()
    chosen: dict[tuple[uuid.UUID, str], uuid.UUID] = {}
    for owner, line, key in rows.values_list("owner", "line", "organization"):
        if chosen.get((owner, line)) not in known:
            chosen[owner, line] = key
    return {chosen[group]: count for group, count in counts.items()}


def _refunds(since: datetime) -> Found:
    """Money that went back after all."""
    rows = Refund.objects.filter(state=Refund.State.SUCCEEDED, created_at__gte=since)
    return _counted(rows, "payment__organization", 3)


def _disputes(since: datetime) -> Found:
    """Payments that a bank was asked to take back, however it was decided."""
    return _counted(Dispute.objects.filter(created_at__gte=since), "payment__organization", 2)


def _credit(since: datetime) -> Found:
    """A smaller plan gave back what the bank did too: it is taken off the customer's balance at Stripe by hand."""
    lost = Dispute.objects.filter(status="lost", created_at__gte=since - LOOKED_BACK)  # they take months
    rows = Customer.objects.unscoped().filter(credit__gt=0, organization__in=lost.values("payment__organization"))
    return _counted(rows, "organization", 1)


def _counted(rows: QuerySet[Any], organization: str, least: int) -> Found:
    """How many rows organizations have, where they are so many at least."""
    counts = rows.order_by().values_list(organization).annotate(count=Count("pk")).filter(count__gte=least)
    return dict(counts)


SIGNS: dict[str, Callable[[datetime], Found]] = {
    AbuseFlag.Sign.SHORT_PLANS: _short_plans,
    AbuseFlag.Sign.TRIALS: _trials,
    AbuseFlag.Sign.REFUNDS: _refunds,
    AbuseFlag.Sign.DISPUTES: _disputes,
    AbuseFlag.Sign.CREDIT: _credit,
}
