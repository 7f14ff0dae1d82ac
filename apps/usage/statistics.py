"""An organization's calls of the last days in numbers, exact up to the last second.

Hours that are summed up are read from their sums. Those whose events changed since (the present hour, and the one
before until the hourly job has come) are read from the events: an index leads to them, and they are never more than
what one organization can call in little more than an hour. So no page waits for a job, and none makes jobs run more
often.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal, cast
from uuid import UUID

from django.db.models import Sum
from django.db.models.functions import TruncDate

from apps.accounts.models import Organization
from apps.core.clock import now
from apps.usage.gate.port import METER
from apps.usage.models import UsageEvent, UsageHour, UsageHourToSum
from apps.usage.periods import day_of

Dimension = Literal["category", "key_id", "user_id"]
Group = str | UUID
Share = tuple[date, str, UUID, UUID]
DIMENSIONS = ("category", "key_id", "user_id")
DAYS = 30


@dataclass(frozen=True)
class RecentCalls:
    """The calls of consecutive days (UTC), the oldest first; `shares` has them by day, category, key and person."""

    days: list[date]
    shares: dict[Share, int]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.shares.values())

    def by(self, dimension: Dimension) -> list[tuple[Group, int]]:
        """How many fall on each category, key or person, the most first; none is left out that has any."""
        found: Counter[Group] = Counter()
        for share, calls in self.shares.items():
            found[_group(share, dimension)] += calls
        return sorted(
            ((group, calls) for group, calls in found.items() if calls), key=lambda row: (-row[1], str(row[0]))
        )

    def per_day(self, dimension: Dimension) -> list[tuple[date, dict[Group, int]]]:
        """The same for each day; days without calls too."""
        found: dict[date, Counter[Group]] = {day: Counter() for day in self.days}
        for share, calls in self.shares.items():
            found[share[0]][_group(share, dimension)] += calls
        return [(day, dict(groups)) for day, groups in found.items()]


def recent_calls(organization: Organization, days: int = DAYS) -> RecentCalls:
    """The calls of today and the days before, in three queries.

    Which hours wait is looked up first: whatever is summed up meanwhile, each hour is read from one place.
    """
    begin = day_of(now()).start - timedelta(days=days - 1)
    waiting = list(
        UsageHourToSum.objects.for_organization(organization).filter(hour__gte=begin).values_list("hour", flat=True)
    )
    shares: Counter[Share] = Counter()
    sums = (
        UsageHour.objects.for_organization(organization)
        .filter(meter=METER, hour__gte=begin)
        .exclude(hour__in=waiting)
        .annotate(day=TruncDate("hour", tzinfo=UTC))
        .values_list("day", *DIMENSIONS)
        .annotate(calls=Sum("total"))
        .order_by()
    )
    for day, category, key_id, user_id, calls in sums:
        shares[day, category, key_id, user_id] += calls
    for hour, category, key_id, user_id, calls in _unsummed(organization, waiting):
        shares[hour.astimezone(UTC).date(), category, key_id, user_id] += calls
    consecutive = [begin.date() + timedelta(days=number) for number in range(days)]
    present = set(consecutive)
    return RecentCalls(consecutive, {share: calls for share, calls in shares.items() if share[0] in present})


def _unsummed(organization: Organization, hours: list[datetime]) -> list[tuple[datetime, str, UUID, UUID, int]]:
    events = (
        UsageEvent.objects.for_organization(organization)
        .filter(meter=METER, hour__in=hours)
        .values_list("hour", *DIMENSIONS)
        .annotate(calls=Sum("value"))
        .order_by()
    )
    return list(cast("list[tuple[datetime, str, UUID, UUID, int]]", events)) if hours else []


def _group(share: Share, dimension: Dimension) -> Group:
    return share[1 + DIMENSIONS.index(dimension)]  # type: ignore[return-value] # behind the day
