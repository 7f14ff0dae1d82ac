"""The API plans: how many calls each includes, how fast they may come, who helps, and what it costs."""

from dataclasses import dataclass
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.core.money import Money

Family = Literal["portal", "usage"]

REFUND_DAYS = 7
COMMUNITY, EMAIL, SLA = _("Community"), _("Email"), _("SLA")


@dataclass(frozen=True)
class Plan:
    """One API plan.

    `calls` are included in a calendar month (UTC), None for any number. Past them calls are refused, or, where
    `overage` names the price of 1,000 more, counted on. `price` is for a month.
    """

    code: str
    name: str | Promise
    family: Family
    calls: int | None
    per_minute: int
    support: str | Promise
    price: Money
    overage: Money | None = None


def _usd(cents: int) -> Money:
    return Money(cents, "USD")


SANDBOX = Plan("sandbox", _("Sandbox"), "portal", 1_000, 60, COMMUNITY, _usd(0))
PLANS: dict[str, Plan] = {
    plan.code: plan
    for plan in (
        SANDBOX,
        Plan("pro", _("Pro"), "portal", 10_000, 300, EMAIL, _usd(19_00)),
        Plan("enterprise", _("Enterprise"), "portal", None, 1_200, SLA, _usd(199_00)),
        Plan("usage_developer", _("Developer"), "usage", 10_000, 300, EMAIL, _usd(29_00), _usd(3_00)),
        Plan("usage_professional", _("Professional"), "usage", 50_000, 600, EMAIL, _usd(99_00), _usd(2_00)),
        Plan("usage_enterprise", _("Enterprise"), "usage", 250_000, 1_200, SLA, _usd(299_00), _usd(1_50)),
    )
}
TWIN_CALLS_PER_DAY = 100


def plans_of(family: Family) -> list[Plan]:
    """The plans of a family, the smallest first."""
    return [plan for plan in PLANS.values() if plan.family == family]
