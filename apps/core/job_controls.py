"""What staff do to scheduled jobs: run one now, pause it, let it go on, give it another schedule."""

from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext as _
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from apps.core import cron
from apps.core.clock import now
from apps.core.doorbell import ring
from apps.core.errors import ConflictError, NotFoundError
from apps.core.job_schedules import (
    JOB_PREFIX,
    declared_schedule,
    effective_schedule,
    expression_of,
    is_edited,
    note_new_jobs,
    owe_from_now,
)
from apps.core.jobs import SWEEP_TASK
from apps.core.kinds import ScheduledJob
from apps.core.models import JobRun, JobState
from apps.core.registry import registry


def job_of(task: PeriodicTask) -> ScheduledJob | None:
    """The job that a scheduler row starts; None for a tick."""
    name = str(task.name)
    return registry(ScheduledJob).find(name.removeprefix(JOB_PREFIX)) if name.startswith(JOB_PREFIX) else None


def request_run(name: str) -> JobRun:
    """Order a run of a job, outside its schedule: a worker takes it at once, or the sweeper within a minute.

    Raises `NotFoundError` for an unknown job, `ConflictError` for one that is paused or running.
    """
    job = registry(ScheduledJob).find(name)
    if job is None:
        raise NotFoundError(_("No job is called “%(name)s”.") % {"name": name[:80]})
    if not effective_schedule(job).enabled:
        raise ConflictError(_("The job is paused: let it go on first."))
    note_new_jobs([job])
    with transaction.atomic():
        JobState.objects.select_for_update().get(job=name)  # two orders at once are one
        if JobRun.objects.filter(job=name, state=JobRun.State.RUNNING).exists():
            raise ConflictError(_("The job is running already."))
        moment = now()
        ordered = JobRun.objects.create(
            job=name,
            slot=moment,
            by_hand=True,
            started_at=moment,
            attempt=0,
            lease_until=moment - timedelta(microseconds=1),
        )
        ring(SWEEP_TASK)
    return ordered


def set_paused(task: PeriodicTask, *, paused: bool) -> None:
    """Keep a job from its schedule, or let it go on: slots meanwhile are lost, whatever its catch-up policy.

    Ticks are what everything stands on: `ConflictError`.
    """
    job = job_of(task)
    if job is None:
        raise ConflictError(_("Only scheduled jobs can be paused."))
    if task.enabled is not paused:
        raise ConflictError(_("The job is paused already.") if paused else _("The job is not paused."))
    with transaction.atomic():
        task.enabled = not paused
        task.save()  # tells beat that schedules changed
        if not paused:
            owe_from_now(job.name)


def reschedule(task: PeriodicTask, schedule: CrontabSchedule) -> None:
    """Give a job another schedule. It counts from now on: no slot of the past is caught up on by it.

    Raises `ConflictError` for a tick, `InvalidScheduleError` for a schedule that our calendar does not take.
    """
    job = job_of(task)
    if job is None:
        raise ConflictError(_("Only scheduled jobs have a schedule to choose."))
    cron.check(expression_of(schedule), str(schedule.timezone))
    with transaction.atomic():
        task.crontab = schedule
        task.save()
        owe_from_now(job.name)


def follow_declaration(task: PeriodicTask) -> None:
    """Give a job the schedule back that the code declares. `ConflictError` where it has it."""
    job = job_of(task)
    if job is None or not is_edited(task):
        raise ConflictError(_("The job follows the schedule that the code declares."))
    reschedule(task, declared_schedule(job))
