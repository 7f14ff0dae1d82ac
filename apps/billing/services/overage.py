"""Calls beyond a plan by usage: worked out from what was counted, reported to Stripe's meter once, corrected by taking
back.

What was reported stands in rows first. A report that is sent twice (a worker died, Stripe forgot the identifier after a
day) is told apart by its row: one that may have been sent is never sent again after `SAFE`, and shows up in the
reconciliation instead.
"""

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Sum
from django.utils.translation import gettext as _

from apps.accounts.models import Organization
from apps.billing.catalogue import API_LINE, catalogue
from apps.billing.models import ApiMonth, Invoice, InvoiceLine, OverageReport, Subscription
from apps.billing.selectors import credits_used, find_customer, overage_reported, subscription_in
from apps.billing.services import credits
from apps.billing.services.customers import customer_of
from apps.billing.services.months import month_in
from apps.billing.services.turns import alone, take_turn
from apps.core.clock import now
from apps.core.doorbell import ring
from apps.core.errors import ConflictError
from apps.integrations.stripe.connection import stripe
from apps.integrations.stripe.errands import run_errands
from apps.integrations.stripe.errors import DUPLICATE_USAGE, StripeRefusedError
from apps.usage.periods import Period, month_of, period_named
from apps.usage.selectors import counted_in, totals_with_quota

log = structlog.get_logger(__name__)

REPORT_TASK = "billing.report_overage"
CANCEL_WITHIN = timedelta(hours=23)  # Stripe takes back what it heard within a day
SAFE = timedelta(hours=23)  # and knows an identifier again for as long
STILL_OPEN = timedelta(days=3)  # after the end of a month
BILL_WAITS = timedelta(minutes=50)  # Stripe makes it final an hour after the end of the month
State = OverageReport.State


def settle_all(moment: datetime | None = None) -> int:
    """Settle credits of whoever is beyond what a month includes, or was, and called since. Returns how many that were.

    One query finds them: nothing is done for those whose calls were counted before.
    """
    done = 0
    for period in _open_months(moment or now()):
        for row in _called_since(period).iterator(chunk_size=500):
            done += alone(settle, row.organization, period, row.total)
    return done


def settle_called(organization: Organization) -> None:
    """Settle its credits with what it called until now: not a minute later, when there may be none left."""
    for period in _open_months(now()):
        for row in _called_since(period).filter(organization=organization):
            settle(organization, period, row.total)


def settle(organization: Organization, period: Period, calls: int) -> bool:
    """Settle credits with the calls of a month: of those beyond the plan that Stripe was not told of. True."""
    with transaction.atomic():
        take_turn(organization.pk)
        month = month_in(organization, period)
        reported = overage_reported(organization, period.name)
        credits.settle(organization, period.name, max(month.beyond(calls) - reported, 0))
        month.counted = calls
        month.save(update_fields=("counted",))
    return True


def count_all(moment: datetime | None = None) -> int:
    """Order the reports that are due, of this month and of the last one. Returns how many have new ones."""
    changed = 0
    for period in _open_months(moment or now()):
        months = ApiMonth.objects.unscoped().filter(period=period.name, soft=True).select_related("organization")
        for month in months.iterator(chunk_size=500):
            changed += alone(count, month.organization, period)
    return changed


def close(subscription: Subscription) -> None:
    """What was called until now is at Stripe: what comes next makes a bill of it, or leaves the price that it has.

    Raises `ConflictError` while Stripe does not hear of it.
    """
    if subscription.line != API_LINE:
        return
    organization = subscription.organization
    before = max(now() - timedelta(seconds=1), subscription.created_at)  # of one second with the bill it would miss it
    settle_called(organization)
    for period in _open_months(now()):
        if ApiMonth.objects.for_organization(organization).filter(period=period.name, soft=True).exists():
            _count(organization, period, before)  # no worker is called: we report it ourselves
    report_ordered(organization)
    if OverageReport.objects.for_organization(organization).filter(state__in=OverageReport.WAITING).exists():
        ring(REPORT_TASK)
        raise ConflictError(_("Your latest calls are being counted. Please try again in a minute."))


def count(organization: Organization, period: Period) -> bool:
    """Order what Stripe has to be told of a month's overage. Returns whether that is anything new."""
    with transaction.atomic():
        new = _count(organization, period, now())
        if new:
            ring(REPORT_TASK)
    return new


def _count(organization: Organization, period: Period, at: datetime) -> bool:
    with transaction.atomic():
        take_turn(organization.pk)
        subscription = subscription_in(organization, API_LINE, period)
        price = catalogue().product(subscription.product).overage if subscription else None
        reported, due = overage_reported(organization, period.name), overage_of(organization, period)
        if due == reported:
            return False
        if subscription is None or price is None or (due > reported and _is_late(subscription, period)):
            if due > reported:  # no bill to come has a price for it: the reconciliation shows it
                log.error("overage_not_billed", organization=organization.public_id, calls=due - reported)
            return False
        new = OverageReport(
            organization=organization, subscription=subscription, period=period.name, meter=price.meter, counted_at=at
        )
        if due < reported:
            return _lessen(new, reported - due)
        _order(new, due - reported)
    return True


def _is_late(subscription: Subscription, period: Period) -> bool:
    """Whether its last bill is made."""
    return subscription.is_over and now() > period.end + BILL_WAITS


def overage_of(organization: Organization, period: Period) -> int:
    """The calls of a month beyond the plan that no credits paid for."""
    month = month_in(organization, period)
    if not month.soft:
        return 0
    return max(month.beyond(counted_in(organization, period)) - credits_used(organization, period.name), 0)


def _open_months(moment: datetime) -> list[Period]:
    """The last month, as long as calls of it may still come in or be corrected, and the present one."""
    present = month_of(moment)
    last = [month_of(present.start - timedelta(days=1))] if moment - present.start < STILL_OPEN else []
    return [*last, present]


def _called_since(period: Period) -> QuerySet[Any]:
    """The totals of a month that are beyond the plan, or of which anything was kept, and that have changed since."""
    kept = ApiMonth.objects.unscoped().filter(organization_id=OuterRef("organization_id"), period=period.name)
    totals: QuerySet[Any] = totals_with_quota(period.name).annotate(counted=Subquery(kept.values("counted")[:1]))
    return totals.filter(Q(counted=None, total__gt=F("quota")) | (Q(counted__isnull=False) & ~Q(counted=F("total"))))


def _order(new: OverageReport, value: int) -> None:
    new.value = value
    new.save()


def _lessen(new: OverageReport, too_much: int) -> bool:
    """Take back the latest reports that Stripe still takes back, and report anew what of them was right. Those that a
    bill has charged already stand. Returns whether any was taken back."""
    organization, open_rows = new.organization, []
    billed = _billed(organization, period_named(new.period))
    rows = OverageReport.objects.for_organization(organization).filter(
        period=new.period, state__in=OverageReport.STANDING
    )
    for row in rows.select_for_update(of=("self",), no_key=True).order_by("counted_at", "pk"):
        if billed <= 0 and row.counted_at > now() - CANCEL_WITHIN:
            open_rows.append(row)
        billed -= row.value
    wanted = too_much
    for row in reversed(open_rows):
        if too_much <= 0:
            break
        never_sent = row.state == State.TO_SEND and row.attempts == 0
        row.state = State.TAKEN_BACK if never_sent else State.TO_TAKE_BACK
        row.due_at = now()
        row.save(update_fields=("state", "due_at"))
        too_much -= row.value
    if too_much < 0:
        _order(new, -too_much)
    elif too_much:
        log.warning("overage_reported_too_high", organization=organization.public_id, calls=too_much)
    return too_much != wanted


def _billed(organization: Organization, period: Period) -> int:
    """The overage of a month that is on bills which are made already: of a change of plan, or of the month."""
    prices = [one.overage.code for one in catalogue().products.values() if one.overage is not None]
    lines = InvoiceLine.objects.filter(
        invoice__organization=organization, price__in=prices, quantity__gt=0,
        period_start__gte=period.start, period_start__lt=period.end,
    ).exclude(invoice__status=Invoice.Status.DRAFT)  # fmt: skip
    return lines.aggregate(quantity=Sum("quantity"))["quantity"] or 0


def report_ordered(organization: Organization | None = None) -> int:
    """Tell Stripe what was ordered, of one organization or of all. Returns how many were tried."""
    rows = OverageReport.objects.unscoped().select_related("organization")
    if organization is not None:
        rows = rows.filter(organization=organization)
    sent = run_errands(rows.filter(state=State.TO_SEND), _send, _sent, _refused)
    return sent + run_errands(rows.filter(state=State.TO_TAKE_BACK), _take_back, _taken_back, _refused)


def _send(row: OverageReport) -> None:
    customer = find_customer(row.organization) or customer_of(row.organization)
    if row.attempts > 1 and now() - row.counted_at > SAFE:
        raise StripeRefusedError(_("It may have been reported, and Stripe would not know it again."), code="too_old")
    try:
        stripe(row.organization.realm_id).report_usage(
            row.meter, customer.stripe_id or "", row.value, identifier=row.public_id, at=_within(row)
        )
    except StripeRefusedError as error:
        if error.code != DUPLICATE_USAGE:
            raise


def _within(row: OverageReport) -> datetime:
    """When it is said to have been used: within its month as long as the bill of that waits, and with the next one's
    after that, so that nothing is lost."""
    period = period_named(row.period)
    if row.counted_at >= period.end + BILL_WAITS:
        return row.counted_at
    return min(max(row.counted_at, period.start), period.end - timedelta(seconds=1))


def _sent(row: OverageReport, _nothing: None) -> None:
    row.state, row.done_at, row.last_error = State.SENT, now(), ""
    row.save(update_fields=("state", "done_at", "last_error"))


def _take_back(row: OverageReport) -> None:
    stripe(row.organization.realm_id).take_usage_back(row.meter, identifier=row.public_id)


def _taken_back(row: OverageReport, _nothing: None) -> None:
    row.state, row.done_at, row.last_error = State.TAKEN_BACK, now(), ""
    row.save(update_fields=("state", "done_at", "last_error"))


def _refused(row: OverageReport, error: StripeRefusedError) -> None:
    """What Stripe did not take was not reported; what it does not take back stands. The reconciliation shows both."""
    row.state = State.REFUSED if row.state == State.TO_SEND else State.SENT
    row.last_error = f"{error.code}: {error.detail}"[:300]
    row.save(update_fields=("state", "last_error"))
    log.error("overage_report_refused", report=row.public_id, code=error.code)
