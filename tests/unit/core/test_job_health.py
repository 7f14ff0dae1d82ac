"""Which jobs are late, fail or never ran."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django_celery_beat.models import PeriodicTask

from apps.core import jobs
from apps.core.job_health import JobHealth, look
from apps.core.kinds import ScheduledJob
from apps.core.models import JobRun, JobState
from apps.core.registry import contributed, registry

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScheduledJob]:
    """Hourly, owed since half an hour before noon; it is five past noon."""
    monkeypatch.setattr(registry(ScheduledJob), "_items", {})
    made = ScheduledJob("hourly", "Hourly", lambda slot: "", "0 * * * *", overdue_after=3 * HOUR)
    with contributed(made), time_machine.travel(NOON + timedelta(minutes=5), tick=False):
        jobs.sync_schedules()
        JobState.objects.update(owed_since=NOON - HOUR / 2)
        yield made


def ran(slot: datetime, state: str = "succeeded", **fields: Any) -> None:
    JobRun.objects.create(job="hourly", slot=slot, state=state, started_at=slot, finished_at=slot, **fields)


def seen(at: datetime = NOON + timedelta(minutes=5)) -> JobHealth:
    with time_machine.travel(at, tick=False):
        return look()[0]


def test_a_slot_that_was_just_due_is_nothing(job: ScheduledJob) -> None:
    assert (seen().state, seen().next_slot) == ("ok", NOON + HOUR)


def test_a_job_that_should_have_run_and_never_did(job: ScheduledJob) -> None:
    found = seen(NOON + timedelta(minutes=11))
    assert (found.state, found.why) == ("never_ran", "It was due 11 minutes ago and has not begun.")
    ran(NOON - HOUR, "skipped")
    assert seen(NOON + timedelta(minutes=11)).state == "never_ran", "a slot that was skipped is no run"
    ran(NOON)
    assert seen(NOON + timedelta(minutes=11)).state == "ok"


def test_one_that_ran_and_has_missed_its_time_is_late(job: ScheduledJob) -> None:
    ran(NOON)
    assert seen(NOON + HOUR + timedelta(minutes=9)).state == "ok"
    assert seen(NOON + HOUR + timedelta(minutes=11)).state == "late"


def test_one_whose_last_slot_failed_for_good_fails(job: ScheduledJob) -> None:
    ran(NOON, "failed", outcome="ValueError: no disk\nmore", due_at=NOON + HOUR)
    assert seen().state == "ok", "it is tried again"
    JobRun.objects.update(due_at=None)
    assert (seen().state, seen().why) == ("failing", "ValueError: no disk")
    ran(NOON + timedelta(minutes=1), by_hand=True)
    assert seen().state == "ok", "somebody ran it by hand, and it went well"


def test_a_run_by_hand_that_failed_is_seen_by_whoever_ordered_it(job: ScheduledJob) -> None:
    ran(NOON)
    ran(NOON + timedelta(minutes=1), "failed", by_hand=True)
    assert seen().state == "ok"


def test_slots_begun_in_time_do_not_help_without_success(job: ScheduledJob) -> None:
    for hour in range(5):
        ran(NOON + hour * HOUR, "running" if hour else "succeeded")
    found = seen(NOON + 4 * HOUR + timedelta(minutes=5))
    assert (found.state, found.why) == ("late", "No slot since that of 2026-05-01 13:00 UTC has succeeded.")


def test_a_weekly_job_is_not_late_between_its_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry(ScheduledJob), "_items", {})
    with contributed(ScheduledJob("hourly", "Weekly", lambda slot: "", "0 14 * * 5", tz="Europe/London")):
        JobState.objects.create(job="hourly", owed_since=NOON - timedelta(days=30))
        ran(NOON + HOUR)
        assert seen(NOON + timedelta(days=6)).state == "ok"
        assert seen(NOON + timedelta(days=7, hours=2)).state == "late"


def test_a_paused_job_is_nobodys_worry(job: ScheduledJob) -> None:
    PeriodicTask.objects.update(enabled=False)
    found = seen(NOON + 9 * HOUR)
    assert (found.state, found.well, found.next_slot) == ("paused", True, None)


@pytest.mark.parametrize("number", [1, 40])
def test_the_number_of_jobs_costs_no_queries(
    number: int, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry(ScheduledJob), "_items", {})
    with contributed(*[ScheduledJob(f"j{n}", "J", lambda slot: "", "0 * * * *") for n in range(number)]):
        jobs.sync_schedules()
        with django_assert_num_queries(2):
            assert {one.state for one in look()} == {"ok"}
        with django_assert_num_queries(4):
            jobs.sweep()
