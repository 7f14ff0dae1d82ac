"""Calls beyond a plan by usage: worked out from what was counted, reported to Stripe's meter once, corrected by taking
back.

What was reported stands in rows first. A report that is sent twice (a worker died, Stripe forgot the identifier after a
day) is told apart by its row: one that may have been sent is never sent again after `SAFE`, and shows up in the
reconciliation instead.
"""

from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import Organization
from apps.billing.catalogue import catalogue
from apps.billing.models import OverageReport, Subscription
from apps.billing.selectors import credits_used, find_customer, overage_reported, subscription_of
from apps.billing.services import credits
from apps.billing.services.customers import customer_of
from apps.core.clock import now
from apps.core.doorbell import ring
from apps.integrations.stripe.connection import stripe
from apps.integrations.stripe.errands import run_errands
from apps.integrations.stripe.errors import DUPLICATE_USAGE, StripeRefusedError
from apps.usage.limits import limits_of
from apps.usage.periods import Period, month_of, period_named
from apps.usage.selectors import over_quota, used_in

log = structlog.get_logger(__name__)

REPORT_TASK = "billing.report_overage"
CANCEL_WITHIN = timedelta(hours=23)  # Stripe takes back what it heard within a day
SAFE = timedelta(hours=23)  # and knows an identifier again for as long
GRACE = timedelta(hours=3)  # after the end of a month its last calls are still on their way
State = OverageReport.State
LINE = "api"


def settle_all(moment: datetime | None = None) -> int:
    """Settle credits of whoever is beyond their plan in this month, and in the last one as long as it is fresh. Returns
    how many organizations that were."""
    moment = moment or now()
    periods = [month_of(moment)]
    if moment - periods[0].start < GRACE:
        periods.insert(0, month_of(periods[0].start - timedelta(days=1)))
    done = 0
    for period in periods:
        for row in over_quota(period):
            credits.settle(row.organization, period.name, row.total - row.quota)
            done += 1
    return done


def count_all(moment: datetime | None = None) -> int:
    """Order the reports that are due: this month's, and the last one's as long as Stripe's bill can still change.
    Returns how many organizations have something new."""
    moment = moment or now()
    periods = [month_of(moment)]
    if moment - periods[0].start < GRACE:
        periods.insert(0, month_of(periods[0].start - timedelta(days=1)))
    return sum(count(row.organization, period) for period in periods for row in over_quota(period))


def count(organization: Organization, period: Period) -> bool:
    """Order what Stripe has to be told of a month's overage. Returns whether that is anything new."""
    with transaction.atomic():
        Organization.objects.select_for_update(of=("self",), no_key=True).filter(pk=organization.pk).first()
        subscription = subscription_of(organization, LINE)
        price = catalogue().product(subscription.product).overage if subscription else None
        if subscription is None or price is None:
            return False
        reported, due = overage_reported(organization, period.name), overage_of(organization, period)
        if due > reported:
            _order(organization, subscription, period, price.meter, due - reported)
        elif due < reported:
            _lessen(organization, subscription, period, price.meter, reported - due)
        else:
            return False
        ring(REPORT_TASK)
    return True


def overage_of(organization: Organization, period: Period) -> int:
    """The calls of a month beyond the plan that no credits paid for."""
    limits = limits_of(organization)
    if not limits.soft or limits.quota is None:
        return 0
    beyond = max(used_in(organization, period) - limits.quota, 0)
    return max(beyond - credits_used(organization, period.name), 0)


def _order(organization: Organization, subscription: Subscription, period: Period, meter: str, value: int) -> None:
    OverageReport.objects.create(
        organization=organization, subscription=subscription, period=period.name, meter=meter, value=value
    )


def _lessen(organization: Organization, subscription: Subscription, period: Period, meter: str, too_much: int) -> None:
    """Take back the latest reports that Stripe still takes back, and report anew what of them was right."""
    rows = OverageReport.objects.for_organization(organization).filter(
        period=period.name, state__in=OverageReport.STANDING, counted_at__gt=now() - CANCEL_WITHIN
    )
    for row in rows.select_for_update(of=("self",), no_key=True).order_by("-counted_at", "-pk"):
        if too_much <= 0:
            break
        never_sent = row.state == State.TO_SEND and row.attempts == 0
        row.state = State.TAKEN_BACK if never_sent else State.TO_TAKE_BACK
        row.due_at = now()
        row.save(update_fields=("state", "due_at"))
        too_much -= row.value
    if too_much < 0:
        _order(organization, subscription, period, meter, -too_much)
    elif too_much:
        log.warning("overage_reported_too_high", organization=organization.public_id, calls=too_much)


def report_ordered() -> int:
    """Tell Stripe what was ordered. Returns how many were tried."""
    rows = OverageReport.objects.unscoped().select_related("organization")
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
    """A moment of the month that is billed: the present one, or the month's last second."""
    period = period_named(row.period)
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
