"""Slots that failed, and slots whose worker died or stood still."""

import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from apps.core import jobs
from apps.core.job_logs import RunLog
from apps.core.job_schedules import Schedule
from apps.core.kinds import ScheduledJob
from apps.core.models import JobRun, JobState
from apps.core.registry import contributed
from tests.common.jobs import HOUR, NOON, Work, hourly, sweep_twice
from tests.common.threads import run_in_threads, shared_database

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_other_jobs")]
State = JobRun.State


# Retries ----------------------------------------------------------------------------------------------------------
def attempts() -> tuple[str, int, datetime | None]:
    return JobRun.objects.filter(job="hourly").values_list("state", "attempt", "due_at").get()


def daily(work: Work, **changes: Any) -> ScheduledJob:
    return ScheduledJob("hourly", "Hourly", work.run, "0 12 * * *", **changes)


def test_a_failed_slot_is_begun_again_after_growing_pauses_and_then_stays_failed(work: Work, clock: Any) -> None:
    work.error = ValueError("no disk")
    with contributed(daily(work)), patch.object(jobs.log, "error") as told:
        jobs.run_due_slot("hourly")
        pauses = []
        for attempt in (1, 2, 3):
            state, number, due = attempts()
            assert (state, number) == (State.FAILED, attempt)
            assert due is not None
            pauses.append((due - jobs.now()).total_seconds())
            clock.move_to(due - timedelta(seconds=1))
            assert jobs.sweep() == 0, "too early"
            clock.move_to(due)
            told.assert_not_called()
            assert jobs.sweep() == 1
        assert attempts() == (State.FAILED, 4, None)
        told.assert_called_once()
        clock.shift(HOUR)
        assert jobs.sweep() == 0
    assert pauses == sorted(pauses)
    for pause, longest in zip(pauses, (60, 300, 1500), strict=True):
        assert longest / 2 <= pause <= longest
    assert work.slots == [NOON] * 4


def test_a_retry_that_succeeds_ends_it(work: Work, clock: Any) -> None:
    work.error = ValueError("no disk")
    with contributed(daily(work)):
        jobs.run_due_slot("hourly")
        work.error = None
        clock.shift(60)
        assert jobs.sweep() == 1
        run = JobRun.objects.get(job="hourly")
        assert (run.state, run.attempt, run.due_at, run.outcome) == (State.SUCCEEDED, 2, None, "2 done")
        assert run.started_at == run.finished_at == jobs.now(), "the attempt's own times"
        clock.shift(HOUR)
        assert jobs.sweep() == 0


def test_a_job_may_do_without_retries(work: Work, clock: Any) -> None:
    work.error = ValueError("no disk")
    with contributed(daily(work, retries=0)):
        jobs.run_due_slot("hourly")
    assert attempts() == (State.FAILED, 1, None)


@pytest.mark.parametrize(("policy", "begun"), [("latest", 0), ("skip", 0), ("all", 1)])
def test_a_newer_slot_makes_a_retry_needless_unless_all_are_wanted(
    policy: Any, begun: int, work: Work, clock: Any
) -> None:
    work.error = ValueError("no disk")
    with contributed(hourly(work, catch_up=policy)), patch.object(jobs.log, "error") as told:
        jobs.run_due_slot("hourly")
        work.error = None
        clock.shift(HOUR)
        jobs.run_due_slot("hourly")
        assert jobs.sweep() == begun
        told_of = [call.args[0] for call in told.call_args_list]
    failed = JobRun.objects.get(slot=NOON)
    assert (failed.state, failed.due_at) == (State.SUCCEEDED if begun else State.FAILED, None)
    assert told_of == ([] if begun else ["job_failed"])
    assert work.slots.count(NOON) == 1 + begun


def test_a_run_by_hand_neither_supersedes_a_slot_nor_is_retried(work: Work, clock: Any) -> None:
    work.error = ValueError("no disk")
    with contributed(daily(work)):
        jobs.run_due_slot("hourly")
        assert jobs.run_now("hourly").due_at is None
        clock.shift(60)
        assert jobs.sweep() == 1
    assert work.slots.count(NOON) == 2


def test_a_job_that_kills_its_worker_is_given_up(work: Work, clock: Any) -> None:
    work.error = SystemExit()
    with contributed(daily(work)):
        with pytest.raises(SystemExit):
            jobs.run_due_slot("hourly")
        for attempt in (2, 3, 4):
            clock.shift(jobs.LEASE + timedelta(seconds=1))
            with pytest.raises(SystemExit):
                sweep_twice(clock)
            assert attempts() == (State.RUNNING, attempt, None)
        clock.shift(jobs.LEASE + timedelta(seconds=1))
        with patch.object(jobs.log, "error") as told:
            assert sweep_twice(clock) == 0
        told.assert_called_once()
    run = JobRun.objects.get(job="hourly")
    assert (run.state, run.attempt, run.lease_until) == (State.FAILED, 4, None)
    assert run.outcome == "The worker died during the last attempt."
    assert run.finished_at is not None
    assert len(work.slots) == 4


# Leases -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("error", [None, ValueError("late")])
def test_a_worker_that_lost_its_lease_writes_nothing(error: Exception | None, work: Work, clock: Any) -> None:
    def meanwhile() -> None:
        work.between, work.error = lambda: None, None
        clock.shift(jobs.LEASE + timedelta(seconds=1))
        assert sweep_twice(clock) == 1, "somebody else takes it over and succeeds"
        work.error = error
        clock.shift(1)

    work.between = meanwhile
    with contributed(daily(work)):
        run = jobs.run_due_slot("hourly")
    assert run is not None
    stored = JobRun.objects.get(job="hourly")
    assert (stored.state, stored.attempt, stored.outcome, stored.due_at) == (State.SUCCEEDED, 2, "2 done", None)
    assert stored.finished_at is not None
    assert stored.finished_at < jobs.now(), "written by the winner alone"
    assert (run.state, run.outcome) == (stored.state, stored.outcome), "the caller learns how it stands"


def test_a_worker_that_lost_its_lease_does_not_renew_it(work: Work, clock: Any) -> None:
    run = JobRun.objects.create(job="hourly", slot=NOON, started_at=NOON, lease_until=NOON)
    JobRun.objects.update(attempt=2)
    assert not jobs._renew(run, RunLog())
    assert JobRun.objects.get().lease_until == NOON


@pytest.mark.django_db(transaction=True)
def test_a_job_that_takes_long_is_not_doubled(work: Work, clock: Any, tmp_path: Path) -> None:
    renew = jobs._renew
    beaten = threading.Event()

    def renewed(run: JobRun, lines: RunLog) -> bool:
        done = renew(run, lines)
        beaten.set()
        return done

    def long_work() -> None:
        for _round in range(3):
            clock.shift(jobs.LEASE * 0.9)
            beaten.clear()
            assert beaten.wait(30), "no heartbeat"
            beaten.clear()
            assert beaten.wait(30), "no heartbeat that began after the clock was moved"
            assert jobs.sweep() == 0

    work.between = long_work
    with (
        shared_database(tmp_path, JobRun, JobState),
        contributed(daily(work)),
        patch.object(jobs, "HEARTBEAT_SECONDS", 0.01),
        patch.object(jobs, "_renew", renewed),
        patch.object(jobs, "effective_schedule", lambda job: Schedule(job.crontab, job.tz)),
        patch.object(jobs, "schedules", lambda every: {job.name: Schedule(job.crontab, job.tz) for job in every}),
    ):
        [run] = run_in_threads(lambda: jobs.run_due_slot("hourly"))
    assert (run.state, run.attempt, work.slots) == (State.SUCCEEDED, 1, [NOON])
