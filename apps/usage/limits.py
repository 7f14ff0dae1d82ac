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

    `quota` None is any number. A soft quota is told and goes on: what is beyond is overage.
    """

    plan: str
    per_minute: int
    quota: int | None
    soft: bool = False
    span: Literal["month", "day"] = "month"

    @property
    def ceiling(self) -> int | None:
        """The number of calls after which calls are refused."""
        return None if self.soft else self.quota

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
        return Limits(plan.code, per_minute, TWIN_CALLS_PER_DAY, span="day")
    return Limits(plan.code, per_minute, plan.calls if row.calls is None else row.calls, plan.overage is not None)


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
