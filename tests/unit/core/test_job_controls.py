"""Ordering, pausing and resuming jobs."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from apps.core import jobs
from apps.core.cron import InvalidScheduleError
from apps.core.errors import ConflictError, NotFoundError
from apps.core.job_controls import job_of, request_run, reschedule, set_paused
from apps.core.kinds import ScheduledJob
from apps.core.models import JobRun
from apps.core.registry import contributed
from tests.common.threads import run_in_threads

pytestmark = pytest.mark.django_db


@pytest.fixture
def ran():
    """The slots that the job `tried` ran for."""
    slots = []
    job = ScheduledJob("tried", "Tried", lambda slot: str(slots.append(slot)), "0 3 * * *")
    with contributed(job):
        jobs.sync_schedules()
        yield slots


def test_an_ordered_run_is_run_once_by_the_sweeper(ran):
    ordered = request_run("tried")
    assert ordered.by_hand
    assert ran == []
    jobs.sweep()
    assert ran == [ordered.slot]
    jobs.sweep()
    assert ran == [ordered.slot]
    ordered.refresh_from_db()
    assert (ordered.state, ordered.attempt) == (JobRun.State.SUCCEEDED, 1)


def test_a_run_is_not_ordered_twice_or_while_paused(ran):
    request_run("tried")
    with pytest.raises(ConflictError, match="running already"):
        request_run("tried")
    jobs.sweep()
    task = PeriodicTask.objects.get(name="job:tried")
    set_paused(task, paused=True)
    with pytest.raises(ConflictError, match="paused"):
        request_run("tried")
    with pytest.raises(ConflictError, match="paused already"):
        set_paused(task, paused=True)
    set_paused(task, paused=False)
    with pytest.raises(ConflictError, match="not paused"):
        set_paused(task, paused=False)
    request_run("tried")


def test_what_was_ordered_and_what_died_ends_with_a_pause(ran):
    ordered = request_run("tried")
    slot = ordered.slot
    past = {"lease_until": slot - timedelta(hours=1), "due_at": slot - timedelta(hours=1), "started_at": slot}
    died = JobRun.objects.create(job="tried", slot=slot - timedelta(days=1), attempt=1, **past)
    failed = JobRun.objects.create(
        job="tried", slot=slot - timedelta(days=2), state=JobRun.State.FAILED, outcome="No.", finished_at=slot, **past
    )
    set_paused(PeriodicTask.objects.get(name="job:tried"), paused=True)
    assert jobs.sweep() == 0
    for run in (ordered, died, failed):
        run.refresh_from_db()
        assert (run.due_at, run.lease_until) == (None, None)
        assert run.finished_at is not None
    assert (ordered.state, ordered.outcome) == ("skipped", jobs.PAUSED)
    assert (died.state, died.outcome) == ("failed", "The worker died, and the job is paused.")
    assert (failed.state, failed.outcome) == ("failed", "No.")
    set_paused(PeriodicTask.objects.get(name="job:tried"), paused=False)
    assert jobs.sweep() == 0
    assert ran == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="one writer at a time, one connection in memory")
def test_two_orders_at_once_are_one(ran):
    for _round in range(5):
        results = run_in_threads(*[_ordered] * 4)
        assert results.count("ordered") == 1
        assert jobs.sweep() == 1


def _ordered():
    try:
        request_run("tried")
    except ConflictError:
        return "refused"
    return "ordered"


def test_unknown_jobs_and_ticks(ran):
    with pytest.raises(NotFoundError):
        request_run("nobody")
    tick = PeriodicTask.objects.get(name="tick:heartbeat")
    assert job_of(tick) is None
    with pytest.raises(ConflictError):
        set_paused(tick, paused=True)


@pytest.mark.parametrize("policy", ["skip", "latest", "all"])
def test_slots_of_a_pause_are_lost_whatever_the_policy(policy):
    slots = []
    job = ScheduledJob("tried", "Tried", lambda slot: str(slots.append(slot)), "0 * * * *", catch_up=policy)
    with contributed(job), time_machine.travel("2026-05-01T11:30Z", tick=False) as clock:
        jobs.sync_schedules()
        task = PeriodicTask.objects.get(name="job:tried")
        set_paused(task, paused=True)
        clock.move_to("2026-05-01T15:05Z")
        jobs.run_due_slot("tried")  # what beat sent before it heard of it
        set_paused(task, paused=False)
        jobs.run_due_slot("tried")
        assert slots == []
        clock.move_to("2026-05-01T16:00:05Z")
        jobs.run_due_slot("tried")
    assert [f"{slot:%H:%M}" for slot in slots] == ["16:00"]


def test_another_schedule_counts_from_now_on():
    slots = []
    job = ScheduledJob("tried", "Tried", lambda slot: str(slots.append(slot)), "0 3 * * *", catch_up="all")
    with contributed(job), time_machine.travel("2026-05-01T02:30Z", tick=False) as clock:
        jobs.sync_schedules()
        clock.move_to("2026-05-01T12:30Z")
        task = PeriodicTask.objects.get(name="job:tried")
        reschedule(task, CrontabSchedule.objects.create(minute="0", hour="*"))
        jobs.run_due_slot("tried")
        assert slots == [], "no hour of the morning is made up for"
        clock.move_to("2026-05-01T13:00:01Z")
        jobs.run_due_slot("tried")
        assert [f"{slot:%H:%M}" for slot in slots] == ["13:00"]
        with pytest.raises(InvalidScheduleError, match="never fires"):
            reschedule(task, CrontabSchedule.objects.create(day_of_month="31", month_of_year="2"))
        with pytest.raises(ConflictError):
            reschedule(PeriodicTask.objects.get(name="tick:heartbeat"), CrontabSchedule.objects.create(minute="7"))
