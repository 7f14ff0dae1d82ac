"""When jobs are due: the declarations in the code, what staff made of them, and from when on slots are owed.

A staff member edits a job's schedule in its django-celery-beat row. Deploys write rows whose declaration changed, and
keep what staff chose.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Max
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from apps.core import cron
from apps.core.clock import now
from apps.core.kinds import ScheduledJob, Tick
from apps.core.models import JobRun, JobState
from apps.core.registry import registry

RUN_TASK = "core.run_scheduled_job"
JOB_PREFIX, TICK_PREFIX = "job:", "tick:"
DECLARED = "declared: "
TICK_KEPT_SECONDS = 60  # ticks sent while no worker runs say the same again and again: older ones are dropped unheard


@dataclass(frozen=True)
class Schedule:
    """A job's schedule as staff have it now."""

    expression: str
    tz: str
    enabled: bool = True

    def next_slot(self, after: datetime) -> datetime:
        """The first slot after a moment."""
        return cron.next_slot(self.expression, self.tz, after)


# Reading --------------------------------------------------------------------------------------------------------------
def schedules(jobs: Iterable[ScheduledJob]) -> dict[str, Schedule]:
    """The schedules of jobs by name: one query, whatever their number."""
    rows = {
        str(row.name): row
        for row in PeriodicTask.objects.select_related("crontab").filter(
            name__in=[f"{JOB_PREFIX}{job.name}" for job in jobs]
        )
    }
    return {job.name: _schedule(job, rows.get(f"{JOB_PREFIX}{job.name}")) for job in jobs}


def effective_schedule(job: ScheduledJob) -> Schedule:
    """The schedule of one job."""
    return schedules([job])[job.name]


def _schedule(job: ScheduledJob, row: PeriodicTask | None) -> Schedule:
    if row is None or row.crontab is None:
        return Schedule(job.crontab, job.tz)
    return Schedule(expression_of(row.crontab), str(row.crontab.timezone), row.enabled)


def expression_of(entry: CrontabSchedule) -> str:
    """The five fields of a schedule."""
    return " ".join((entry.minute, entry.hour, entry.day_of_month, entry.month_of_year, entry.day_of_week))


# What is owed ---------------------------------------------------------------------------------------------------------
def owe_from_now(name: str) -> None:
    """Slots up to this moment are not caught up on: the job was paused, or had another schedule."""
    JobState.objects.update_or_create(job=name, defaults={"owed_since": now()})


def note_new_jobs(jobs: Iterable[ScheduledJob]) -> None:
    """From when on slots of jobs are owed that were not here before; of those that ran already, from their last one."""
    names = [job.name for job in jobs]
    known = set(JobState.objects.filter(job__in=names).values_list("job", flat=True))
    if not (missing := [name for name in names if name not in known]):
        return
    ran = JobRun.objects.filter(job__in=missing, by_hand=False).order_by().values_list("job")
    newest = dict(ran.annotate(newest=Max("slot")))
    moment = now()
    states = [JobState(job=name, owed_since=min(newest.get(name, moment), moment)) for name in missing]
    JobState.objects.bulk_create(states, ignore_conflicts=True)


# Writing the rows of beat ---------------------------------------------------------------------------------------------
def sync_schedules() -> int:
    """Write the django-celery-beat rows of all jobs and ticks. Returns how many rows changed.

    A row keeps the declaration that it was written from (as its description). Where its schedule is another, staff
    chose it: it stays, also when the declaration changes.
    """
    jobs, ticks = registry(ScheduledJob).all(), registry(Tick).all()
    with transaction.atomic():
        changed = sum(_write_job(job) for job in jobs) + sum(_write_tick(tick) for tick in ticks)
        names = [f"{JOB_PREFIX}{job.name}" for job in jobs] + [f"{TICK_PREFIX}{tick.name}" for tick in ticks]
        for prefix in (JOB_PREFIX, TICK_PREFIX):
            stale = PeriodicTask.objects.filter(name__startswith=prefix).exclude(name__in=names)
            changed += stale.delete()[0]
        JobState.objects.exclude(job__in=[job.name for job in jobs]).delete()
        note_new_jobs(jobs)
    return changed


def declaration_of(job: ScheduledJob) -> str:
    """What a row's description says of the schedule that it was written from."""
    return f"{DECLARED}{job.crontab} {job.tz}"


def is_edited(row: PeriodicTask) -> bool:
    """Whether staff chose another schedule than the declared one."""
    if row.crontab is None:
        return False
    return bool(row.description != f"{DECLARED}{expression_of(row.crontab)} {row.crontab.timezone}")


def declared_schedule(job: ScheduledJob) -> CrontabSchedule:
    """The row of the schedule that the code declares."""
    minute, hour, day, month, weekday = job.crontab.split()
    return CrontabSchedule.objects.get_or_create(
        minute=minute, hour=hour, day_of_month=day, month_of_year=month, day_of_week=weekday, timezone=job.tz
    )[0]


def _write_job(job: ScheduledJob) -> bool:
    row = PeriodicTask.objects.select_related("crontab").filter(name=f"{JOB_PREFIX}{job.name}").first()
    if row is not None and row.description == declaration_of(job) and row.task == RUN_TASK:
        return False
    if row is None:
        row = PeriodicTask(name=f"{JOB_PREFIX}{job.name}")
    if not is_edited(row):
        row.crontab = declared_schedule(job)
        JobState.objects.filter(job=job.name).update(owed_since=now())
    row.task, row.args, row.description = RUN_TASK, json.dumps([job.name]), declaration_of(job)
    row.save()
    return True


def _write_tick(tick: Tick) -> bool:
    name, declared = f"{TICK_PREFIX}{tick.name}", f"{DECLARED}every {tick.seconds} s"
    row = PeriodicTask.objects.filter(name=name).first()
    if row is not None and row.description == declared and row.task == tick.task:
        return False
    row = row or PeriodicTask(name=name)
    row.task, row.args, row.description = tick.task, "[]", declared
    row.interval = IntervalSchedule.objects.get_or_create(every=tick.seconds, period=IntervalSchedule.SECONDS)[0]
    row.expire_seconds = max(TICK_KEPT_SECONDS, 2 * tick.seconds)
    row.save()
    return True
