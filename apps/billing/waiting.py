"""From when on a smaller API plan is to be had: what was called under a larger one is not to be had for its price."""

from datetime import datetime, timedelta

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.accounts.models import Organization
from apps.billing.catalogue import API_LINE, Product, catalogue
from apps.billing.models import ApiMonth, Subscription
from apps.core.clock import now
from apps.core.errors import ConflictError
from apps.usage.periods import Period, month_of
from apps.usage.plans import API_PLAN, PLANS
from apps.usage.selectors import counted_in, standing

LAST_DAYS = timedelta(days=10)
ENDS_WITHIN = timedelta(hours=1)  # one that ends with a month ends in the first moments of the next


def before_in_line(organization: Organization) -> Subscription | None:
    """The API plan that was not gone before the last month: what is bought next is had after it, as if changed to."""
    rows = Subscription.objects.for_organization(organization).filter(line=API_LINE)
    ended = rows.filter(status=Subscription.Status.CANCELED, ended_at__gte=_last_month().start)
    row = ended.order_by("-ended_at").first()
    if row is not None:
        row.organization = organization
    return row


def most_called(row: Subscription) -> int:
    """The calls of this month; the included ones of the last, where there were more and the plan was begun or changed
    in its last days, or since: it was paid for those days, with the calls of a whole month. Of a plan that has ended
    with the last month its calls alone."""
    ended_before = row.ended_at is not None and row.ended_at < month_of(now()).start + ENDS_WITHIN
    this_month = 0 if ended_before else standing(row.organization).used
    last = _last_month()
    if not _is_new(row, last):
        return this_month
    kept = ApiMonth.objects.for_organization(row.organization_id).filter(period=last.name).first()
    calls = counted_in(row.organization, last)
    return max(this_month, calls if kept is None else calls - kept.beyond(calls))


def waits_until(row: Subscription, product: Product, calls: int) -> datetime | None:
    """When a product can be changed to, or bought, where so many calls are more than it includes: when the month has
    ended, and for a plan of its last days, when the next one has."""
    plan = PLANS.get(str(product.grants.get(API_PLAN)))
    present = PLANS[str(catalogue().product(row.product).grants[API_PLAN])].calls
    if plan is None or plan.calls is None or calls <= plan.calls:
        return None
    if present is not None and plan.calls >= present and plan.soft:
        return None
    month = month_of(now())
    return month_of(month.end).end if _is_new(row, month) else month.end


def check_wait(row: Subscription, product: Product) -> None:
    """Whether an API plan can be had after this one. Raises `ConflictError`."""
    if product.line != API_LINE or row.product == product.code:
        return
    if until := waits_until(row, product, most_called(row)):
        raise ConflictError(
            _("You called more often than that plan includes, and can have it from %(day)s on.")
            % {"day": date_format(until, "j F")}
        )


def check_wait_after(organization: Organization, product: Product) -> None:
    """Whether an API plan can be bought after the one that ended. Raises `ConflictError`."""
    row = before_in_line(organization) if product.line == API_LINE else None
    if row is not None:
        check_wait(row, product)


def _last_month() -> Period:
    return month_of(month_of(now()).start - timedelta(days=1))


def _is_new(row: Subscription, month: Period) -> bool:
    """Whether a plan is paid for the last days of a month at most."""
    return max(row.created_at, row.changed_at or row.created_at) >= month.end - LAST_DAYS
