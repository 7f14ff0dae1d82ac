"""Calls beyond plans: what was counted against what was reported, and what was reported against Stripe's meters."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, Sum

from apps.accounts.models import Organization
from apps.billing.catalogue import catalogue
from apps.billing.models import ApiMonth, CreditUse, Customer, OverageReport, Subscription
from apps.billing.services.overage import BILL_WAITS, overage_of
from apps.billing.services.reconciliation.findings import Compared, Findings, batches
from apps.core.clock import now
from apps.integrations.stripe.port import Stripe
from apps.usage.gate.port import METER
from apps.usage.models import UsageEvent
from apps.usage.periods import Period, hour_of, month_of
from apps.usage.plans import PLANS
from apps.usage.selectors import totals_with_quota

CLOSED_AFTER = timedelta(hours=3)  # the last calls of a month are on their way until then
REPORTED_WITHIN = timedelta(hours=2)  # in a month that goes on
State = OverageReport.State


def compare(gateway: Stripe, found: Findings) -> None:
    """This month's and the last one's."""
    moment = now()
    month = month_of(moment)
    before = month_of(month.start - timedelta(days=1))
    closed = [before] if moment - month.start > CLOSED_AFTER else []
    meters = {meter.event_name: meter.id for meter in gateway.meters() if meter.active}
    for period in (month, *closed):
        found.check(_concerned(period), partial(_read_overage, period=period, moment=moment))
    for period in (month, before):
        _meters(gateway, meters, period, moment, found)


# Counted and reported -------------------------------------------------------------------------------------------------
def _concerned(period: Period) -> Iterator[UUID]:
    """Who was reported, or pays for overage and is beyond the plan."""
    reported = OverageReport.objects.unscoped().filter(period=period.name).order_by()
    sold = [product.code for product in catalogue().products.values() if product.overage is not None]
    paying = Subscription.objects.unscoped().filter(product__in=sold, created_at__lt=period.end)
    paying = paying.filter(Q(ended_at=None) | Q(ended_at__gte=period.start))
    kept = ApiMonth.objects.unscoped().filter(organization=OuterRef("organization"), period=period.name, soft=True)
    beyond = totals_with_quota(period.name).filter(
        Q(total__gt=F("quota")) | Exists(kept.filter(Q(quota__lt=OuterRef("total")) | Q(beyond_then__gt=0))),
        organization__in=paying.values("organization"),
    )
    yield from reported.values_list("organization_id", flat=True).distinct().iterator()
    rest = beyond.exclude(organization__in=reported.values("organization"))
    yield from rest.values_list("organization_id", flat=True).iterator()


def _read_overage(keys: list[UUID], period: Period, moment: datetime) -> Iterator[tuple[UUID, Compared]]:
    """Set-based, and who seems wrong exactly: by the quota that counts. What was just called is reported soon."""
    reports = OverageReport.objects.unscoped().filter(organization__in=keys, period=period.name)
    reported = _sums(reports.filter(state__in=OverageReport.STANDING), "value")
    credits = _sums(CreditUse.objects.unscoped().filter(organization__in=keys, period=period.name), "units")
    kept = ApiMonth.objects.unscoped().filter(organization__in=keys, period=period.name)
    months = {month.organization_id: month for month in kept}
    counted: dict[UUID, int] = {}
    for row in totals_with_quota(period.name).filter(organization__in=keys):
        month = months.get(row.organization_id) or ApiMonth(quota=row.quota, soft=PLANS[row.plan].soft)
        if month.soft:
            counted[row.organization_id] = max(month.beyond(row.total) - credits.get(row.organization_id, 0), 0)
    suspects = [key for key in keys if counted.get(key, 0) != reported.get(key, 0)]
    owners = {row.pk: row for row in Organization.objects.filter(pk__in=suspects)} if suspects else {}
    for key, owner in owners.items():
        counted[key] = overage_of(owner, period)
    young = _young(suspects, period, moment) if suspects and moment < period.end else {}
    for key in keys:
        ours, told = counted.get(key, 0), reported.get(key, 0)
        is_on_its_way = max(ours - max(young.get(key, 0), 0), 0) <= told <= ours
        name = f"{period.name} {Organization(pk=key).public_id}"
        yield key, Compared("overage", name, ours, ours if is_on_its_way else told, key)


def _young(keys: list[UUID], period: Period, moment: datetime) -> dict[UUID, int]:
    """The calls of the last hours."""
    since = max(hour_of(moment - REPORTED_WITHIN), period.start)
    return _sums(UsageEvent.objects.unscoped().filter(organization__in=keys, meter=METER, hour__gte=since), "value")


# Reported, and what the meter has -------------------------------------------------------------------------------------
def _meters(gateway: Stripe, meters: dict[str, str], period: Period, moment: datetime, found: Findings) -> None:
    """One question for each organization that was reported: Stripe has no list of meters' customers."""
    until = min(period.end, moment.astimezone(UTC).replace(second=0, microsecond=0))
    sent = Q(state=State.SENT)
    maybe = Q(state=State.TO_TAKE_BACK) | Q(state=State.TO_SEND, attempts__gt=0)
    last = month_of(period.start - timedelta(days=1))
    billed = Q(period=period.name, counted_at__lt=period.end + BILL_WAITS)
    late = Q(period=last.name, counted_at__gte=period.start + BILL_WAITS)
    rows = OverageReport.objects.unscoped().filter(billed | late).order_by("organization_id", "meter")
    asked = rows.values_list("organization_id", "meter").annotate(
        sure=Sum("value", filter=sent & Q(counted_at__lt=until), default=0),
        most=Sum("value", filter=sent | maybe, default=0),
    )
    for batch in batches(asked.iterator()):
        customers = Customer.objects.unscoped().filter(organization__in=[owner for owner, *_rest in batch])
        ids = dict(customers.exclude(stripe_id=None).values_list("organization_id", "stripe_id"))
        for owner, meter, sure, most in batch:
            if owner not in ids or meter not in meters:
                continue
            theirs = gateway.reported_usage(meters[meter], str(ids[owner]), period.start, until)
            name = f"{period.name} {Organization(pk=owner).public_id}"
            found.take(Compared("meter", name, theirs if sure <= theirs <= most else sure, theirs, owner))


def _sums(rows: Any, what: str) -> dict[UUID, int]:
    """The sum of something by organization."""
    return dict(rows.order_by().values_list("organization_id").annotate(sum=Sum(F(what))))
