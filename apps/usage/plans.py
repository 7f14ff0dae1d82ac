"""The API plans: how many calls each includes and how fast they may come."""

from dataclasses import dataclass
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Family = Literal["portal", "usage"]


@dataclass(frozen=True)
class Plan:
    """One API plan.

    `calls` are included in a calendar month (UTC), None for any number. Past them calls are refused, or, with
    `overage`, counted on.
    """

    code: str
    name: str | Promise
    family: Family
    calls: int | None
    per_minute: int
    overage: bool = False


SANDBOX = Plan("sandbox", _("Sandbox"), "portal", 1_000, 60)
PLANS: dict[str, Plan] = {
    plan.code: plan
    for plan in (
        SANDBOX,
        Plan("pro", _("Pro"), "portal", 10_000, 300),
        Plan("enterprise", _("Enterprise"), "portal", None, 1_200),
        Plan("usage_developer", _("Developer"), "usage", 10_000, 300, overage=True),
        Plan("usage_professional", _("Professional"), "usage", 50_000, 600, overage=True),
        Plan("usage_enterprise", _("Enterprise"), "usage", 250_000, 1_200, overage=True),
    )
}
TWIN_CALLS_PER_DAY = 100
