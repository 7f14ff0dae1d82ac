"""The API plans: how many calls each includes and how fast they may come. What they cost is in billing's catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Family = Literal["portal", "usage"]


@dataclass(frozen=True)
class Plan:
    """One API plan.

    `calls` are included in a calendar month (UTC), None for any number. Past them calls are refused, or, where it is
    `soft`, counted on and billed.
    """

    code: str
    name: str | Promise
    family: Family
    calls: int | None
    per_minute: int
    soft: bool = False


SANDBOX = Plan("sandbox", _("Sandbox"), "portal", 1_000, 60)
PLANS: dict[str, Plan] = {
    plan.code: plan
    for plan in (
        SANDBOX,
        Plan("pro", _("Pro"), "portal", 10_000, 300),
        Plan("enterprise", _("Enterprise"), "portal", None, 1_200),
        Plan("usage_developer", _("Developer"), "usage", 10_000, 300, soft=True),
        Plan("usage_professional", _("Professional"), "usage", 50_000, 600, soft=True),
        Plan("usage_enterprise", _("Enterprise"), "usage", 250_000, 1_200, soft=True),
    )
}
TWIN_CALLS_PER_DAY = 100

# What billing sells of this app.
API_PLAN = "api.plan"
API_CREDITS = "api.credits"


def plans_of(family: Family) -> list[Plan]:
    """The plans of a family, the smallest first."""
    return [plan for plan in PLANS.values() if plan.family == family]


def largest(codes: Sequence[object]) -> str:
    """Of several plans the one that includes most. Raises `KeyError` for an unknown one."""
    plans = [PLANS[str(code)] for code in codes]
    return max(plans, key=lambda plan: (plan.calls is None, plan.calls or 0)).code
