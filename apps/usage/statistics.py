"""An organization's calls of the last days in numbers, exact up to the last second."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast, get_args
from uuid import UUID

from apps.accounts.models import Organization
from apps.core.clock import now
from apps.core.kinds import Dimension
from apps.usage.measuring import Group, Row, added_up
from apps.usage.meters import CALLS
from apps.usage.models import NOBODY
from apps.usage.periods import day_of

Share = tuple[date, str, UUID, UUID]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
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

    def active(self, dimension: Dimension) -> int:
        """How many different ones called, as the meters `active_keys` and `active_users` count them."""
        return sum(calls > 0 and group != NOBODY for group, calls in self.by(dimension))


def recent_calls(organization: Organization, days: int = DAYS) -> RecentCalls:
    """The calls of today and the days before, in one query."""
    today = day_of(now())
    begin = today.start - timedelta(days=days - 1)
    rows = added_up(organization, CALLS, begin, today.end, DIMENSIONS, "day")
    consecutive = [begin.date() + timedelta(days=number) for number in range(days)]
    return RecentCalls(consecutive, {_share(row): row.value for row in rows})


def _share(row: Row) -> Share:
    category, key_id, user_id = row.group
    return row.start.date(), str(category), cast(UUID, key_id), cast(UUID, user_id)


def _group(share: Share, dimension: Dimension) -> Group:
    return share[1 + DIMENSIONS.index(dimension)]  # type: ignore[return-value] # behind the day
