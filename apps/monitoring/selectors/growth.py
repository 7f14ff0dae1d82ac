"""Reads of growth and retention."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta

from apps.core.clock import now
from apps.monitoring.models import RetainedWeek

SHADES = 5


@dataclass(frozen=True)
class Share:
    """How many of a cohort were active in a week, in per cent, and how dark that is shown: 0 to 5."""

    percent: int
    active: int
    so_far: bool = False  # of the present week: today and the days to come are not counted yet

    @property
    def shade(self) -> int:
        """None at all is white; every fifth of all is darker."""
        return 0 if not self.active else min(self.percent * SHADES // 100 + 1, SHADES)


@dataclass(frozen=True)
class Cohort:
    """The organizations that came in a week from Monday on; `active` in each week since."""

    monday: date
    size: int
    active: list[int]

    @property
    def shares(self) -> list[Share]:
        """The same in per cent, rounded half up."""
        today = now().date()
        return [
            Share(
                (200 * count + self.size) // (2 * self.size), count, so_far=self.monday + timedelta(7 * age + 7) > today
            )
            for age, count in enumerate(self.active)
        ]


def cohorts() -> list[Cohort]:
    """The newest first. One query."""
    found: dict[date, list[RetainedWeek]] = defaultdict(list)
    for cell in RetainedWeek.objects.order_by("-cohort", "week"):
        found[cell.cohort].append(cell)
    return [Cohort(monday, cells[0].size, [cell.active for cell in cells]) for monday, cells in found.items()]
