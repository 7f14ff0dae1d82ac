"""From when on a smaller API plan is to be had: what was called under a larger one is not to be had for its price."""

from datetime import datetime, timedelta

from apps.billing.catalogue import Product, catalogue
from apps.billing.models import ApiMonth, Subscription
from apps.core.clock import now
from apps.usage.periods import month_of
from apps.usage.plans import API_PLAN, PLANS, Plan
from apps.usage.selectors import counted_in, standing


def most_called(row: Subscription) -> int:
    """The calls of this month; the included ones of the last, where there were more and the plan was begun or changed
    since: whoever has a large plan for the last days of a month pays for those days, and may call as often as in a
    whole one."""
    this_month = standing(row.organization).used
    last = month_of(month_of(now()).start - timedelta(days=1))
    if max(row.created_at, row.changed_at or row.created_at) < last.start:
        return this_month
    kept = ApiMonth.objects.for_organization(row.organization_id).filter(period=last.name).first()
    calls = counted_in(row.organization, last)
    return max(this_month, calls if kept is None or kept.quota is None else min(calls, kept.quota))


def waits_until(row: Subscription, product: Product, calls: int) -> datetime | None:
    """When a product can be changed to, where so many calls are more than it includes: when the month has ended."""
    plan = PLANS.get(str(product.grants.get(API_PLAN)))
    if plan is None or plan.calls is None or calls <= plan.calls or not _includes_less(plan, row):
        return None
    return month_of(now()).end


def _includes_less(plan: Plan, row: Subscription) -> bool:
    present = PLANS[str(catalogue().product(row.product).grants[API_PLAN])].calls
    return present is None or plan.calls is None or plan.calls < present or not plan.soft
