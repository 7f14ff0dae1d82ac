"""Alarms of jobs: once, named by the job, over when it is well again; and of the watchdog."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django_celery_beat.models import PeriodicTask

from apps.core import heartbeat, jobs
from apps.core.kinds import ScheduledJob
from apps.core.models import Heartbeat, JobRun, JobState
from apps.core.registry import contributed, registry
from apps.monitoring.services import job_alarms
from apps.notifications.models import Alert

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An hourly job that is owed noon; it is twenty past."""
    monkeypatch.setattr(registry(ScheduledJob), "_items", {})
    job = ScheduledJob("hourly", "Hourly work", lambda slot: "", "0 * * * *")
    with contributed(job), time_machine.travel(NOON + 20 * MINUTE, tick=False) as traveller:
        jobs.sync_schedules()
        JobState.objects.update(owed_since=NOON - MINUTE)
        yield traveller


def look(clock: Any) -> list[tuple[str, str, bool]]:
    """After a minute: what alarms there are, and whether they are open."""
    clock.shift(MINUTE)
    job_alarms.alarm_of_jobs()
    return [(alert.code, alert.subject, alert.is_open) for alert in Alert.objects.order_by("pk")]


def ran(slot: datetime, state: str = "succeeded", **fields: Any) -> None:
    JobRun.objects.create(job="hourly", slot=slot, state=state, started_at=slot, finished_at=slot, **fields)


def test_a_job_that_never_ran_until_it_does(clock: Any) -> None:
    assert look(clock) == [], "the sweeper has its turn first"
    assert look(clock) == [("job_never_ran", "hourly", True)]
    look(clock)
    alert = Alert.objects.get()
    assert alert.title == "Job “Hourly work” has never run"
    assert "It was due" in alert.detail
    assert "0 * * * * (UTC)" in alert.detail
    ran(NOON)
    assert look(clock) == [("job_never_ran", "hourly", False)]


def test_a_late_job(clock: Any) -> None:
    ran(NOON - timedelta(hours=1))
    look(clock)
    assert look(clock) == [("job_late", "hourly", True)]
    ran(NOON)
    assert look(clock) == [("job_late", "hourly", False)]


def test_a_failing_job_says_why_without_secrets(clock: Any) -> None:
    def work(slot: datetime) -> str:
        raise ValueError("401 for Bearer sk_live_abcdefghijklmnop")

    jobs.run_slot(ScheduledJob("hourly", "Hourly work", work, "0 * * * *", retries=0), NOON)
    assert look(clock) == [("job_failing", "hourly", True)]
    detail = Alert.objects.get().detail
    assert "ValueError: 401" in detail
    assert "sk_live" not in detail
    ran(NOON + MINUTE, by_hand=True)
    assert look(clock) == [("job_failing", "hourly", False)]


def test_one_alarm_follows_the_other(clock: Any) -> None:
    ran(NOON, "failed")
    look(clock)
    clock.move_to(NOON + 80 * MINUTE)
    look(clock)
    assert look(clock) == [("job_failing", "hourly", False), ("job_late", "hourly", True)]


def test_pausing_a_job_ends_its_alarm(clock: Any) -> None:
    ran(NOON, "failed")
    look(clock)
    PeriodicTask.objects.update(enabled=False)
    assert look(clock) == [("job_failing", "hourly", False)]


@pytest.mark.parametrize("number", [1, 40])
def test_the_number_of_jobs_costs_no_queries(
    number: int, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    monkeypatch.setattr(registry(ScheduledJob), "_items", {})
    with contributed(*[ScheduledJob(f"j{n}", "J", lambda slot: "", "0 * * * *") for n in range(number)]):
        jobs.sync_schedules()
        with django_assert_max_num_queries(10):  # four, and what a cache in the database takes
            job_alarms.alarm_of_jobs()


# The watchdog ---------------------------------------------------------------------------------------------------------
def test_a_watchdog_that_stops_is_told_once_and_its_return_too(clock: Any) -> None:
    ran(NOON)
    for _minute in range(3):
        heartbeat.sign("watchdog")
        assert look(clock) == []
    look(clock)
    assert look(clock) == [("watchdog_down", "", True)]
    look(clock)
    assert job_alarms.watchdog_alive()[0] == "failed"
    heartbeat.sign("watchdog")
    assert job_alarms.watchdog_alive() == ("ok", "looks every 15 s")
    assert look(clock) == [("watchdog_down", "", False)]
    assert Alert.objects.count() == 1


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_put_wrong_kills_no_watchdog(hours: int, clock: Any) -> None:
    ran(NOON)
    heartbeat.sign("watchdog")
    look(clock)
    clock.shift(timedelta(hours=hours))
    JobState.objects.update(owed_since=NOON + timedelta(hours=2))
    for _minute in range(3):
        heartbeat.sign("watchdog")
        assert look(clock) == []


def test_where_no_watchdog_was_ever_seen_none_is_missed(clock: Any) -> None:
    ran(NOON)
    for _minute in range(5):
        assert look(clock) == []
    assert job_alarms.watchdog_alive()[0] == "warning"
    assert not Heartbeat.objects.exists()
