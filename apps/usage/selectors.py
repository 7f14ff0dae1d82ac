"""Reads of the usage app."""

from dataclasses import dataclass

from apps.accounts.models import Organization
from apps.core.clock import now
from apps.usage.gate.either import gate
from apps.usage.limits import Limits, limits_of
from apps.usage.meters import TOKENS
from apps.usage.models import UsageTotal
from apps.usage.periods import Period


@dataclass(frozen=True)
class Standing:
    """What an organization has used of its present period. `remaining` is None where any number is included."""

    limits: Limits
    period: Period
    used: int
    by_category: dict[str, int]
    tokens: int

    @property
    def remaining(self) -> int | None:
        """The calls left; never below 0."""
        return None if self.limits.quota is None else max(self.limits.quota - self.used, 0)

    @property
    def percent(self) -> int | None:
        """How much of the quota is used, whole percent, rounded down; above 100 with overage."""
        return None if not self.limits.quota else self.used * 100 // self.limits.quota


def standing(organization: Organization) -> Standing:
    """How an organization stands, exact up to this call."""
    limits = limits_of(organization)
    period = limits.period(now())
    counted = gate.counted(organization.pk, period)
    totals = UsageTotal.objects.for_organization(organization).filter(period=period.name, meter=TOKENS, category="")
    tokens = totals.values_list("total", flat=True).first() or 0
    return Standing(limits, period, counted.calls, dict(sorted(counted.by_category.items())), tokens)
