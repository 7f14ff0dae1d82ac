import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from apps.core import jobs
from apps.core.errors import NotFoundError
from apps.core.kinds import ScheduledJob, Tick
from apps.core.models import JobRun
from apps.core.registry import contributed, registry
from tests.common.threads import run_in_threads, shared_database

pytestmark = pytest.mark.django_db
State = JobRun.State
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
def clock() -> Iterator[Any]:
    with time_machine.travel(NOON + timedelta(minutes=5), tick=False) as traveller:
        yield traveller


def hourly(work: Work, **changes: Any) -> ScheduledJob:
    return ScheduledJob("hourly", "Hourly", work.run, "0 * * * *", **changes)


def runs() -> list[tuple[datetime, str]]:
    return list(JobRun.objects.filter(job="hourly").order_by("slot").values_list("slot", "state"))


def task(name: str) -> PeriodicTask:
    return PeriodicTask.objects.get(name=name)


# Rows for beat ----------------------------------------------------------------------------------------------------
def test_every_job_and_tick_has_a_row(work: Work) -> None:
    with contributed(hourly(work, tz="Europe/London"), Tick("often", "core.often", 7)):
        jobs.sync_schedules()
        assert jobs.sync_schedules() == 0
        row = task("job:hourly")
        assert (row.task, json.loads(row.args)) == (jobs.RUN_TASK, ["hourly"])
        assert (row.crontab.hour, row.crontab.minute, str(row.crontab.timezone)) == ("*", "0", "Europe/London")
        assert (task("tick:often").interval.every, task("tick:often").task) == (7, "core.often")
        assert PeriodicTask.objects.count() == len(registry(ScheduledJob).all()) + len(registry(Tick).all())
    jobs.sync_schedules()
    assert not PeriodicTask.objects.filter(name__in=["job:hourly", "tick:often"]).exists()


def test_ticks_that_nobody_heard_do_not_pile_up_and_jobs_wait(work: Work) -> None:
    with contributed(hourly(work), Tick("quick", "core.quick", 2), Tick("slow", "core.slow", 300)):
        jobs.sync_schedules()
    assert [task(name).expire_seconds for name in ("tick:quick", "tick:slow", "job:hourly")] == [60, 600, None]


def test_staff_edits_stay_until_the_declaration_changes(work: Work) -> None:
    with contributed(hourly(work)):
        jobs.sync_schedules()
        row = task("job:hourly")
        row.crontab = CrontabSchedule.objects.create(minute="30", hour="6", timezone="Asia/Tokyo")
        row.enabled = False
        row.save()
        assert jobs.sync_schedules() == 0
        assert jobs.effective_schedule(hourly(work)) == ("30 6 * * *", "Asia/Tokyo", False)
    with contributed(ScheduledJob("hourly", "Hourly", work.run, "15 * * * *")):
        assert jobs.sync_schedules() == 1
        assert jobs.effective_schedule(hourly(work))[0] == "15 * * * *"
        assert task("job:hourly").enabled is False


def test_rows_of_staff_are_left_alone(work: Work) -> None:
    mine = CrontabSchedule.objects.create(minute="1", hour="1")
    PeriodicTask.objects.create(name="made by hand", task="x", crontab=mine)
    jobs.sync_schedules()
    assert task("made by hand").task == "x"


# Slots ------------------------------------------------------------------------------------------------------------
def test_a_slot_runs_once(work: Work, clock: Any) -> None:
    with contributed(hourly(work)):
        run = jobs.run_due_slot("hourly")
        assert run is not None
        assert (run.slot, run.state, run.outcome, run.lease_until) == (NOON, State.SUCCEEDED, "1 done", None)
        assert jobs.run_due_slot("hourly") is None
        clock.shift(HOUR)
        assert jobs.run_due_slot("hourly") is not None
    assert work.slots == [NOON, NOON + HOUR]


def test_a_failure_is_on_the_record(work: Work, clock: Any) -> None:
    work.error = ValueError("no disk")
    with contributed(hourly(work)):
        run = jobs.run_due_slot("hourly")
    assert run is not None
    assert (run.state, run.outcome) == (State.FAILED, "ValueError: no disk")
    assert run.finished_at is not None


def test_a_disabled_job_does_not_run(work: Work, clock: Any) -> None:
    with contributed(hourly(work)):
        jobs.sync_schedules()
        PeriodicTask.objects.filter(name="job:hourly").update(enabled=False)
        assert jobs.run_due_slot("hourly") is None
        assert jobs.sweep() == 0
    assert not work.slots


def test_a_job_can_be_run_by_hand(work: Work, clock: Any) -> None:
    with contributed(hourly(work)):
        assert jobs.run_now("hourly").state == State.SUCCEEDED
        with pytest.raises(NotFoundError, match="already running"):
            jobs.run_now("hourly")
    with pytest.raises(NotFoundError, match="No job is called “nightly”"):
        jobs.run_now("nightly")


# Sweeper ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("policy", "ran", "skipped"),
    [
        ("all", [NOON + HOUR, NOON + 2 * HOUR, NOON + 3 * HOUR], []),
        ("latest", [NOON + 3 * HOUR], [NOON + HOUR, NOON + 2 * HOUR]),
        ("skip", [], [NOON + HOUR, NOON + 2 * HOUR, NOON + 3 * HOUR]),
    ],
)
def test_missed_slots_follow_the_policy(
    policy: Any, ran: list[datetime], skipped: list[datetime], work: Work, clock: Any
) -> None:
    with contributed(hourly(work, catch_up=policy)):
        jobs.run_due_slot("hourly")
        work.slots.clear()
        clock.shift(3 * HOUR)
        assert jobs.sweep() == len(ran)
        assert work.slots == ran
        assert [slot for slot, state in runs() if state == State.SKIPPED] == skipped
        assert jobs.sweep() == 0
    assert len(runs()) == 4


def test_a_slot_that_was_just_due_is_left_to_beat(work: Work, clock: Any) -> None:
    with contributed(hourly(work)):
        jobs.run_due_slot("hourly")
        clock.move_to(NOON + HOUR + timedelta(seconds=30))
        assert jobs.sweep() == 0
        clock.shift(timedelta(seconds=60))
        assert jobs.sweep() == 1


def test_a_job_that_never_ran_is_beats_to_start(work: Work, clock: Any) -> None:
    with contributed(hourly(work)):
        assert jobs.sweep() == 0
    assert not work.slots


def test_a_dead_workers_slot_is_taken_over_once(work: Work, clock: Any) -> None:
    with contributed(hourly(work)):
        JobRun.objects.create(job="hourly", slot=NOON, started_at=NOON, lease_until=jobs.now() + jobs.LEASE)
        assert jobs.sweep() == 0
        clock.shift(jobs.LEASE + timedelta(seconds=1))
        assert jobs.sweep() == 1
        assert jobs.sweep() == 0
    run = JobRun.objects.get(job="hourly")
    assert (run.state, run.attempt, work.slots) == (State.SUCCEEDED, 2, [NOON])


def test_one_broken_job_does_not_stop_the_sweep(work: Work, clock: Any) -> None:
    broken = Work()
    broken.error = ValueError("no")
    with contributed(hourly(work), ScheduledJob("broken", "Broken", broken.run, "0 * * * *")):
        for name in ("broken", "hourly"):
            jobs.run_due_slot(name)
        clock.shift(HOUR)
        assert jobs.sweep() == 2
    assert work.slots == [NOON, NOON + HOUR]


def test_a_run_by_hand_does_not_hide_a_missed_slot(work: Work, clock: Any) -> None:
    with contributed(hourly(work)):
        jobs.run_due_slot("hourly")
        clock.shift(HOUR)
        by_hand = jobs.run_now("hourly")
        assert by_hand.by_hand
        work.slots.clear()
        assert jobs.sweep() == 1
        assert work.slots == [NOON + HOUR]
        assert jobs.sweep() == 0


def test_a_job_that_only_ran_by_hand_is_still_beats_to_start(work: Work, clock: Any) -> None:
    with contributed(hourly(work)):
        jobs.run_now("hourly")
        clock.shift(2 * HOUR)
        assert jobs.sweep() == 0


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
                jobs.sweep()
            assert attempts() == (State.RUNNING, attempt, None)
        clock.shift(jobs.LEASE + timedelta(seconds=1))
        with patch.object(jobs.log, "error") as told:
            assert jobs.sweep() == 0
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
        assert jobs.sweep() == 1, "somebody else takes it over and succeeds"
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
    assert not jobs._renew(run)
    assert JobRun.objects.get().lease_until == NOON


@pytest.mark.django_db(transaction=True)
def test_a_job_that_takes_long_is_not_doubled(work: Work, clock: Any, tmp_path: Path) -> None:
    renew = jobs._renew
    beaten = threading.Event()

    def renewed(run: JobRun) -> bool:
        done = renew(run)
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
        shared_database(tmp_path, JobRun),
        contributed(daily(work)),
        patch.object(jobs, "HEARTBEAT_SECONDS", 0.01),
        patch.object(jobs, "_renew", renewed),
        patch.object(jobs, "effective_schedule", lambda job: (job.crontab, job.tz, True)),
    ):
        [run] = run_in_threads(lambda: jobs.run_due_slot("hourly"))
    assert (run.state, run.attempt, work.slots) == (State.SUCCEEDED, 1, [NOON])
