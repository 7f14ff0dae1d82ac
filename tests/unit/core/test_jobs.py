import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from apps.core import jobs
from apps.core.errors import ConflictError, NotFoundError
from apps.core.job_controls import follow_declaration
from apps.core.job_schedules import Schedule, is_edited
from apps.core.kinds import ScheduledJob, Tick
from apps.core.models import JobRun, JobState
from apps.core.registry import contributed, registry
from tests.common.jobs import HOUR, NOON, Work, hourly, sweep_twice

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_other_jobs")]
State = JobRun.State


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


def test_what_staff_chose_survives_deploys_also_when_the_code_changes_its_mind(work: Work) -> None:
    with contributed(hourly(work)):
        jobs.sync_schedules()
        row = task("job:hourly")
        assert not is_edited(row)
        row.crontab = CrontabSchedule.objects.create(minute="30", hour="6", timezone="Asia/Tokyo")
        row.enabled = False
        row.save()
        assert is_edited(row)
        assert jobs.sync_schedules() == 0
        assert jobs.effective_schedule(hourly(work)) == Schedule("30 6 * * *", "Asia/Tokyo", enabled=False)
    with contributed(ScheduledJob("hourly", "Hourly", work.run, "15 * * * *")):
        assert jobs.sync_schedules() == 1
        assert jobs.effective_schedule(hourly(work)) == Schedule("30 6 * * *", "Asia/Tokyo", enabled=False)
        assert task("job:hourly").description == "declared: 15 * * * * UTC"
        assert jobs.sync_schedules() == 0
        follow_declaration(task("job:hourly"))
        assert jobs.effective_schedule(hourly(work)) == Schedule("15 * * * *", "UTC", enabled=False)
        with pytest.raises(ConflictError):
            follow_declaration(task("job:hourly"))


def test_a_schedule_that_nobody_edited_follows_the_code(work: Work, clock: Any) -> None:
    with contributed(hourly(work)):
        jobs.sync_schedules()
        JobState.objects.update(owed_since=NOON - HOUR)
    with contributed(ScheduledJob("hourly", "Hourly", work.run, "15 * * * *", catch_up="all")):
        assert jobs.sync_schedules() == 1
        assert jobs.effective_schedule(hourly(work)).expression == "15 * * * *"
        assert jobs.sweep() == 0, "11:15 was never wanted"


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
        clock.move_to(NOON + 3 * HOUR + jobs.STILL_DUE + timedelta(seconds=1))
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
        assert sweep_twice(clock) == 1
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
