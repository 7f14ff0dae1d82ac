"""A job for tests: work that remembers its slots, on a clock that stands still at five past noon."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from apps.core import jobs
from apps.core.kinds import ScheduledJob
from apps.core.registry import registry

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Work:
    """What a job does: remembers its slots, does something in between, fails on demand."""

    def __init__(self) -> None:
        self.slots: list[datetime] = []
        self.error: BaseException | None = None
        self.between: Callable[[], object] = lambda: None

    def run(self, slot: datetime) -> str:
        self.slots.append(slot)
        self.between()
        if self.error is not None:
            raise self.error
        return f"{len(self.slots)} done"


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def no_other_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the clock is moved by hours, the sweeper would do the work of every room."""
    monkeypatch.setattr(registry(ScheduledJob), "_items", {})


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOON + timedelta(minutes=5), tick=False) as traveller:
        yield traveller


def hourly(work: Work, **changes: Any) -> ScheduledJob:
    return ScheduledJob("hourly", "Hourly", work.run, "0 * * * *", **changes)


def sweep_twice(clock: Any) -> int:
    """A lease that ran out is left its last chance by the first look."""
    begun = jobs.sweep()
    clock.shift(jobs.LAST_CHANCE)
    return begun + jobs.sweep()
