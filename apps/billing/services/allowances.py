"""What is paid for, pushed down to where calls are admitted: the API plan, the credits, the overage that is allowed."""

from collections.abc import Mapping

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import Organization
from apps.accounts.permissions import Actor
from apps.audit.services import record
from apps.billing.catalogue import API_LINE, THOUSAND, catalogue
from apps.billing.models import Customer
from apps.billing.selectors import credits_left, credits_used, subscription_of
from apps.billing.services import months
from apps.billing.services.customers import customer_of
from apps.billing.services.turns import alone, take_turn
from apps.core.clock import now
from apps.core.errors import InvalidInputError
from apps.core.kinds import Value
from apps.usage.limits import limits_of, set_extras, set_limits
from apps.usage.models import OrganizationLimits
from apps.usage.periods import day_of, month_of
from apps.usage.plans import API_PLAN

MOST_SPEND = 100_000_00  # minor units a month


def push_plan(organization: Organization, before: Mapping[str, Value], after: Mapping[str, Value]) -> None:
    """Let the organization use its API plan, where that is another one than before. What staff agreed on stays as long
    as nobody pays for anything else."""
    if before.get(API_PLAN) != after.get(API_PLAN):
        old = limits_of(organization)
        set_limits(organization, str(after.get(API_PLAN, settings.API_DEFAULT_PLAN)))
        months.keep(organization, old, limits_of(organization))


def push(organization: Organization) -> bool:
    """Say how many calls beyond the plan are paid for, and how much overage may follow. Returns whether that is new."""
    month = month_of(now())
    if organization.livemode:
        paid = credits_used(organization, month.name) + credits_left(organization)
        return set_extras(organization, month, credits=paid, overage=_overage(organization))
    return set_extras(organization, day_of(now()), credits=credits_left(organization), overage=None)


def push_stale() -> int:
    """Push what was said of a month that is over. Returns how many."""
    periods = [month_of(now()).name, day_of(now()).name]
    rows = OrganizationLimits.objects.unscoped().filter(credits__gt=0).exclude(credits_of__in=periods)
    return sum(alone(push, row.organization) for row in rows.select_related("organization")[:1_000])


def set_spend_cap(actor: Actor, organization: Organization, cap: int | None) -> None:
    """Allow so much overage a month, in minor units; None for any. It holds from the next call on.

    Raises `InvalidInputError`.
    """
    if cap is not None and not 0 <= cap <= MOST_SPEND:
        raise InvalidInputError(_("The limit is between $0 and $100,000."), code="invalid_spend_cap")
    with transaction.atomic():
        take_turn(organization.pk)
        customer = customer_of(organization)
        before = customer.spend_cap
        if before == cap:
            return
        Customer.objects.unscoped().filter(pk=customer.pk).update(spend_cap=cap)
        record(
            "billing.spend_cap_changed",
            target=organization,
            data={"before": before, "after": cap},
            organization_id=organization.pk,
        )
        push(organization)


def _overage(organization: Organization) -> int | None:
    """The calls of overage that the spend cap allows; None where there is no cap. Who has not paid, or is on hold, has
    none."""
    subscription = subscription_of(organization, API_LINE)
    if subscription is not None and not subscription.is_paid:
        return 0
    customer = Customer.objects.for_organization(organization).first()
    if customer is not None and customer.held_because:
        return 0
    if customer is None or customer.spend_cap is None:
        return None
    product = catalogue().granting(API_PLAN, limits_of(organization).plan)
    if product is None or product.overage is None:
        return None
    return customer.spend_cap * THOUSAND // product.overage.per_thousand
