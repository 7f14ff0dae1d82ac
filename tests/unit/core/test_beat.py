"""Beat: it shows that it lives, goes on when the clock is put back, and may run twice."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.conf import settings
from django.db import OperationalError
from django_celery_beat.models import PeriodicTask

from apps.core import beat, heartbeat, jobs
from apps.core.kinds import ScheduledJob, Tick
from apps.core.models import Heartbeat, JobRun
from apps.core.registry import contributed, registry
from levqor.celery import app

pytestmark = pytest.mark.django_db
BEGAN = datetime(2026, 5, 1, 12, 58, tzinfo=UTC)


@pytest.fixture
def ran() -> list[datetime]:
    return []


@pytest.fixture
def clock(ran: list[datetime], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A minute before one, with an hourly job and a tick, and nothing else."""
    monkeypatch.setattr("django_celery_beat.schedulers.close_old_connections", lambda: None)  # the test's own is needed
    for kind in (ScheduledJob, Tick):
        monkeypatch.setattr(registry(kind), "_items", {})
    job = ScheduledJob("hourly", "Hourly", lambda slot: str(ran.append(slot)), "0 * * * *")
    with contributed(job, Tick("often", "core.often", 30)), time_machine.travel(BEGAN, tick=False) as traveller:
        jobs.sync_schedules()
        yield traveller


class Beat(beat.Scheduler):
    """A real one, whose messages are taken at once."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        super().__init__(app)
        self._finalize.cancel()  # the database is gone when the suite ends

    def apply_async(self, entry: Any, producer: Any = None, advance: bool = True, **_options: Any) -> None:
        self.sent.append(entry.name)
        if entry.task == jobs.RUN_TASK:
            jobs.run_due_slot(*entry.args)

    def turn(self) -> None:
        """All that is due now."""
        while self.tick() == 0:
            pass


def test_it_is_the_scheduler_of_this_platform() -> None:
    assert f"{beat.Scheduler.__module__}:{beat.Scheduler.__name__}" == settings.CELERY_BEAT_SCHEDULER


@pytest.mark.parametrize("stepped", [False, True])
def test_two_beats_fire_each_slot_once(
    stepped: bool, clock: Any, ran: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not stepped:  # else each move of the test's clock is one that somebody put forward
        monkeypatch.setattr(beat, "_clock", lambda: 0.0)
    beats = [Beat(), Beat()]
    for _step in range(2 * 62):
        clock.shift(30)
        for one in beats:
            one.turn()
    for one in beats:
        assert one.sent.count("job:hourly") == 2, "each of them sent"
    assert ran == [BEGAN.replace(hour=13, minute=0), BEGAN.replace(hour=14, minute=0)]
    assert JobRun.objects.count() == 2


def test_a_clock_that_is_put_back_silences_nothing(clock: Any) -> None:
    one = Beat()
    clock.shift(31)
    one.turn()
    assert one.sent.count("tick:often") == 1
    clock.shift(timedelta(hours=-1))
    one.turn()
    one.sent.clear()
    for _step in range(4):
        clock.shift(31)
        one.turn()
    assert one.sent.count("tick:often") == 4


def test_nor_does_one_that_was_wrong_when_beat_was_stopped(clock: Any) -> None:
    PeriodicTask.objects.update(last_run_at=BEGAN + timedelta(hours=1))
    one = Beat()
    one.turn()
    clock.shift(31)
    one.turn()
    assert one.sent.count("tick:often") == 1


def test_it_shows_that_it_lives_a_few_times_between_two_looks(clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = [100.0]
    monkeypatch.setattr("apps.core.beat.time.monotonic", lambda: moment[0])
    one = Beat()
    one.turn()
    one.turn()
    assert Heartbeat.objects.get(process="beat").beats == 1
    moment[0] += heartbeat.sign_seconds()
    one.turn()
    assert Heartbeat.objects.get(process="beat").beats == 2
    assert 3 * heartbeat.sign_seconds() < settings.WATCHDOG_SECONDS


def test_it_outlives_a_database_that_takes_no_sign(clock: Any) -> None:
    one = Beat()
    with patch("apps.core.beat.sign", side_effect=OperationalError("away")):
        one.turn()
