"""What the first page says about the machinery."""

from datetime import timedelta

import pytest
from django_celery_beat.models import PeriodicTask

from apps.core import heartbeat, jobs
from apps.core.clock import now
from apps.core.kinds import ScheduledJob
from apps.core.models import DomainEvent, EventDelivery, JobRun, JobState
from apps.core.registry import contributed
from apps.core.staff.contributions import failed_jobs, machinery, overdue_jobs

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def job():
    tried = ScheduledJob("tried", "Tried job", lambda slot: "", "0 3 * * *", overdue_after=timedelta(days=2))
    with contributed(tried):
        jobs.sync_schedules()
        JobState.objects.update(owed_since=now() - timedelta(days=9))
        JobState.objects.exclude(job="tried").update(owed_since=now())
        yield tried


def ran(state, age):
    moment = now() - age
    JobRun.objects.create(job="tried", slot=moment, started_at=moment, finished_at=moment, state=state, outcome="why")


def figure(label):
    return next(figure for figure in machinery() if str(figure.label).startswith(label))


def test_a_job_is_overdue_without_success_for_too_long(job):
    JobState.objects.filter(job="tried").update(owed_since=now())
    assert overdue_jobs() == [], "a job that never had to run is not late"
    JobState.objects.filter(job="tried").update(owed_since=now() - timedelta(days=9))
    assert overdue_jobs() == [job]
    ran("failed", timedelta(days=3))
    assert overdue_jobs() == [job]
    shown = figure("Jobs in trouble")
    assert (shown.value, shown.tone, shown.note) == (1, "bad", "Tried job")
    ran("succeeded", timedelta(minutes=1))
    assert overdue_jobs() == []


def test_a_paused_job_is_not_overdue():
    ran("failed", timedelta(days=3))
    PeriodicTask.objects.filter(name="job:tried").update(enabled=False)
    assert overdue_jobs() == []


def test_failed_jobs_name_the_job_and_why():
    ran("failed", timedelta(days=40))
    ran("failed", timedelta(hours=1))
    [row] = failed_jobs()["rows"]
    assert (row["label"], row["outcome"]) == ("Tried job", "why")


def test_the_worker():
    assert figure("Worker").tone == "bad"
    heartbeat.record()
    assert figure("Worker last seen").tone == "ok"


def test_deliveries_due_and_given_up():
    event = DomainEvent.objects.create(name="x")
    EventDelivery.objects.create(event=event, handler="a", due_at=now() - timedelta(minutes=9))
    EventDelivery.objects.create(event=event, handler="b", due_at=now() + timedelta(minutes=9))
    EventDelivery.objects.create(event=event, handler="c", due_at=now(), state="dead")
    assert (figure("Event deliveries due").value, figure("Event deliveries due").note) == (
        "1",
        "oldest due 9 minutes ago",
    )
    assert (figure("Event deliveries given up").value, figure("Event deliveries given up").tone) == ("1", "bad")
