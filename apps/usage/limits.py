"""How much an organization may use: its plan, what was set for it instead, and the pushing down of both."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.conf import settings
from django.db import transaction

from apps.accounts.models import Organization
from apps.accounts.services import version_names
from apps.core import versions
from apps.core.clock import now
from apps.usage.models import OrganizationLimits
from apps.usage.periods import Period, day_of, month_of
from apps.usage.plans import PLANS, TWIN_CALLS_PER_DAY


@dataclass(frozen=True)
class Limits:
    """What the gate enforces: calls a minute (a bucket that refills evenly) and calls in a month or day.

    `quota` None is any number. What is beyond is taken from the `credits` of the month `credits_of` first. Then calls
    are refused; a soft quota goes on, for as many calls as `overage` says (None: any number).
    """

    plan: str
    per_minute: int
    quota: int | None
    soft: bool = False
    span: Literal["month", "day"] = "month"
    credits: int = 0
    credits_of: str = ""
    overage: int | None = None

    def ceiling(self, period: Period) -> int | None:
        """The number of calls in a period after which calls are refused."""
        if self.quota is None or (self.soft and self.overage is None):
            return None
        return self.quota + self.credits_in(period) + (self.overage or 0 if self.soft else 0)

    def credits_in(self, period: Period) -> int:
        """The calls beyond the quota that are paid for in advance."""
        return self.credits if period.name == self.credits_of else 0

    def period(self, moment: datetime) -> Period:
        """The period of the quota that a moment belongs to."""
        return month_of(moment) if self.span == "month" else day_of(moment)


def anonymous_limits() -> Limits:
    """What holds for callers that nobody knows, by address."""
    return Limits("anonymous", settings.API_ANONYMOUS_CALLS_PER_MINUTE, None)


def row_of(organization: Organization) -> OrganizationLimits:
    """What was set for an organization; where nothing was, the default plan in a row that is not stored."""
    found = OrganizationLimits.objects.for_organization(organization).first()
    row = found or OrganizationLimits(plan=settings.API_DEFAULT_PLAN)
    row.organization = organization
    return row


def limits_of(organization: Organization, row: OrganizationLimits | None = None) -> Limits:
    """What holds for an organization now, in one query; in none with its row."""
    row = row or row_of(organization)
    plan = PLANS[row.plan]
    per_minute = plan.per_minute if row.per_minute is None else row.per_minute
    if not organization.livemode:
        return Limits(
            plan.code, per_minute, TWIN_CALLS_PER_DAY, span="day", credits=row.credits, credits_of=row.credits_of
        )
    return Limits(
        plan.code,
        per_minute,
        plan.calls if row.calls is None else row.calls,
        plan.soft,
        credits=row.credits,
        credits_of=row.credits_of,
        overage=row.overage,
    )


def set_limits(
    organization: Organization, plan: str, *, calls: int | None = None, per_minute: int | None = None
) -> None:
    """Let an organization use what a plan allows, or these figures instead. It holds from the next call on.

    Whoever sells plans calls this. Raises `KeyError` for an unknown plan.
    """
    wanted: dict[str, Any] = {"plan": PLANS[plan].code, "calls": calls, "per_minute": per_minute, "changed_at": now()}
    with transaction.atomic():
        versions.changed(version_names.of_organization(organization.pk))
        OrganizationLimits.objects.unscoped().update_or_create(organization=organization, defaults=wanted)


def set_extras(organization: Organization, period: Period, *, credits: int, overage: int | None) -> bool:
    """Say how many calls beyond the quota are paid for in a month (a sandbox's day), and how much overage may follow.

    Returns whether that is anything new. It holds from the next call on.
    """
    wanted: dict[str, Any] = {"credits": credits, "credits_of": period.name if credits else "", "overage": overage}
    with transaction.atomic():
        row = row_of(organization)
        if all(getattr(row, name) == value for name, value in wanted.items()):
            return False
        versions.changed(version_names.of_organization(organization.pk))
        OrganizationLimits.objects.unscoped().update_or_create(
            organization=organization, defaults=wanted, create_defaults={**wanted, "plan": row.plan}
        )
    return True
