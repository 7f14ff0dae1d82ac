"""Reads of the usage app."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import QuerySet, Sum
from django.db.models.functions import TruncDate

from apps.accounts.models import Organization
from apps.core.clock import now
from apps.usage.gate.either import gate
from apps.usage.gate.port import METER
from apps.usage.limits import Limits, limits_of
from apps.usage.meters import TOKENS
from apps.usage.models import UsageHour, UsageTotal
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


def calls_by_hour(organization: Organization, since: datetime) -> QuerySet[UsageHour]:
    """The summed up calls of an organization."""
    return UsageHour.objects.for_organization(organization).filter(meter=METER, hour__gte=since)


def calls_per_day(organization: Organization, by: str, days: int = 30) -> list[tuple[date, dict[object, int]]]:
    """Calls of the last days (UTC), oldest first, empty ones too, each by "category" or "key_id"."""
    today = now().date()
    first = today - timedelta(days=days - 1)
    begin = now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    rows = (
        calls_by_hour(organization, begin)
        .annotate(day=TruncDate("hour"))
        .values_list("day", by)
        .annotate(calls=Sum("total"))
        .order_by()
    )
    found: dict[date, dict[object, int]] = {first + timedelta(days=number): {} for number in range(days)}
    for day, group, calls in rows:
        if day in found and calls:
            found[day][group] = calls
    return list(found.items())
