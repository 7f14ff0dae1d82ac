"""What of a month was included: kept when a plan changes, so that nobody is billed by another plan than they had."""

from datetime import timedelta

from apps.accounts.models import Organization
from apps.billing.catalogue import API_LINE
from apps.billing.models import ApiMonth, Subscription
from apps.billing.waiting import ENDS_WITHIN
from apps.core.clock import now
from apps.usage.limits import Limits, limits_of
from apps.usage.periods import Period, month_of
from apps.usage.selectors import counted_in


def month_in(organization: Organization, period: Period) -> ApiMonth:
    """What of a month was included. One that nothing was kept of is as the present plan says."""
    return _kept(organization, period, limits_of(organization))


def keep(organization: Organization, before: Limits, after: Limits) -> None:
    """The plan changes: the last month was the old one's, this one includes what the larger of the two does, from now
    on: what was beyond the old one was had for credits, or is on a bill. A plan that ended with the last month includes
    nothing of this one, though its end is told in this one."""
    month = month_of(now())
    _kept(organization, month_of(month.start - timedelta(days=1)), before)
    row = _kept(organization, month, before)
    if _ended_before(organization, month):
        row.quota, row.soft = after.quota, after.soft
        row.save(update_fields=("quota", "soft"))
        return
    beyond = row.beyond(counted_in(organization, month))
    if row.quota is not None and beyond > row.beyond_then:
        row.beyond_then, row.included_then = beyond, row.quota
    row.quota = None if row.quota is None or after.quota is None else max(row.quota, after.quota)
    row.soft = row.soft or after.soft
    row.save(update_fields=("quota", "soft", "beyond_then", "included_then"))


def _ended_before(organization: Organization, month: Period) -> bool:
    """Whether the API plan ended with the last month, and no other was begun."""
    rows = Subscription.objects.for_organization(organization).filter(line=API_LINE)
    over = rows.filter(status__in=Subscription.OVER, ended_at__gte=month.start, ended_at__lt=month.start + ENDS_WITHIN)
    return over.exists() and not rows.exclude(status__in=Subscription.OVER).exists()


def _kept(organization: Organization, period: Period, limits: Limits) -> ApiMonth:
    row, _new = ApiMonth.objects.unscoped().get_or_create(
        organization=organization, period=period.name, defaults={"quota": limits.quota, "soft": limits.soft}
    )
    return row
