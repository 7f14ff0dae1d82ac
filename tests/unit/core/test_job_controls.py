"""Ordering, pausing and resuming jobs."""

import pytest
from django_celery_beat.models import PeriodicTask

from apps.core import jobs
from apps.core.errors import ConflictError, NotFoundError
from apps.core.job_controls import job_of, request_run, set_paused
from apps.core.kinds import ScheduledJob
from apps.core.models import JobRun
from apps.core.registry import contributed

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


def test_unknown_jobs_and_ticks(ran):
    with pytest.raises(NotFoundError):
        request_run("nobody")
    tick = PeriodicTask.objects.get(name="tick:heartbeat")
    assert job_of(tick) is None
    with pytest.raises(ConflictError):
        set_paused(tick, paused=True)
