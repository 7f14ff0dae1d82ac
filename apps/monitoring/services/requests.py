"""Minutes of requests, as rows that several processes add to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F

from apps.core.tallies import Timed
from apps.monitoring.models import RequestMinute

THRESHOLDS = (50, 100, 200, 500, 1000, 3000)  # milliseconds: the columns over_…
BOUNDS = tuple(threshold / 1000 for threshold in THRESHOLDS)
OVER = tuple(f"over_{threshold}" for threshold in THRESHOLDS)


@dataclass
class Minute:
    """What is to be added to a row."""

    total: int = 0
    failed: int = 0
    seconds: float = 0.0
    over: list[int] = field(default_factory=lambda: [0] * len(THRESHOLDS))

    def add(self, timed: Timed, bounds: Sequence[float], *, failed: bool) -> None:
        """Count these too. Each of our thresholds is one of the `bounds`."""
        count = sum(timed.counts)
        self.total += count
        self.failed += count if failed else 0
        self.seconds += timed.seconds
        for place, bound in enumerate(BOUNDS):
            self.over[place] += sum(timed.counts[bounds.index(bound) + 1 :])

    def __add__(self, other: "Minute") -> "Minute":
        over = [mine + theirs for mine, theirs in zip(self.over, other.over, strict=True)]
        return Minute(self.total + other.total, self.failed + other.failed, self.seconds + other.seconds, over)


def add_minute(scope: str, minute: datetime, counted: Minute) -> None:
    """Add what one process counted in a minute."""
    if not counted.total:
        return
    more = {
        "total": counted.total,
        "failed": counted.failed,
        "milliseconds": round(counted.seconds * 1000),
        **dict(zip(OVER, counted.over, strict=True)),
    }
    rows = RequestMinute.objects.filter(scope=scope, minute=minute)
    added = {name: F(name) + value for name, value in more.items()}
    if rows.update(**added):
        return
    try:
        with transaction.atomic():
            RequestMinute.objects.create(scope=scope, minute=minute, **more)
    except IntegrityError:  # another process was faster
        rows.update(**added)
