"""Scheduled jobs: beat only ticks; a slot belongs to whoever inserts its row; the sweeper finds what was missed.

A staff member edits a job's schedule in its django-celery-beat row. Deploys only write rows whose declaration changed.
"""

import json
from datetime import datetime, timedelta

import structlog
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from apps.core import cron
from apps.core.backoff import pause
from apps.core.clock import now
from apps.core.errors import NotFoundError
from apps.core.keeping import kept_alive
from apps.core.kinds import ScheduledJob, Tick
from apps.core.models import JobRun
from apps.core.registry import registry

log = structlog.get_logger(__name__)

RUN_TASK = "core.run_scheduled_job"
SWEEP_TASK = "core.sweep_jobs"
LEASE = timedelta(seconds=120)
HEARTBEAT_SECONDS = 20.0
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0
LOOK_BACK = timedelta(days=7)
TICK_KEPT_SECONDS = 60  # ticks sent while no worker runs say the same again and again: older ones are dropped unheard


def sync_schedules() -> int:
    """Write the django-celery-beat rows of all jobs and ticks. Returns how many rows changed.

    A row keeps the declaration that it was written from (as its description): while that is unchanged, staff edits
    stay.
    """
    changed = 0
    names = set()
    with transaction.atomic():
        for job in registry(ScheduledJob).all():
            minute, hour, day, month, weekday = job.crontab.split()
            schedule, _created = CrontabSchedule.objects.get_or_create(
                minute=minute, hour=hour, day_of_month=day, month_of_year=month, day_of_week=weekday, timezone=job.tz
            )
            declared = f"declared: {job.crontab} {job.tz}"
            names.add(f"job:{job.name}")
            changed += _write(f"job:{job.name}", declared, task=RUN_TASK, args=[job.name], crontab=schedule)
        for tick in registry(Tick).all():
            every, _created = IntervalSchedule.objects.get_or_create(
                every=tick.seconds, period=IntervalSchedule.SECONDS
            )
            names.add(f"tick:{tick.name}")
            changed += _write(
                f"tick:{tick.name}",
                f"declared: every {tick.seconds} s",
                task=tick.task,
                args=[],
                interval=every,
                expire_seconds=max(TICK_KEPT_SECONDS, 2 * tick.seconds),
            )
        for prefix in ("job:", "tick:"):
            stale = PeriodicTask.objects.filter(name__startswith=prefix).exclude(name__in=names)
            changed += stale.delete()[0]
    return changed


def _write(name: str, declared: str, *, task: str, args: list[str], **schedule: object) -> int:
    row = PeriodicTask.objects.filter(name=name).first()
    if row is not None and row.description == declared and row.task == task:
        return 0
    row = row or PeriodicTask(name=name)
    row.task, row.args, row.description = task, json.dumps(args), declared
    row.crontab = row.interval = row.expire_seconds = None
    for field, value in schedule.items():
        setattr(row, field, value)
    row.save()
    return 1


def effective_schedule(job: ScheduledJob) -> tuple[str, str, bool]:
    """(expression, zone, enabled) of a job as staff have it now."""
    row = PeriodicTask.objects.select_related("crontab").filter(name=f"job:{job.name}").first()
    if row is None or row.crontab is None:
        return job.crontab, job.tz, True
    entry = row.crontab
    fields = (entry.minute, entry.hour, entry.day_of_month, entry.month_of_year, entry.day_of_week)
    return " ".join(fields), str(entry.timezone), row.enabled


def run_due_slot(name: str) -> JobRun | None:
    """Run the latest slot of a job unless its row exists. None when there was nothing to do."""
    job = registry(ScheduledJob).get(name)
    expression, zone, enabled = effective_schedule(job)
    if not enabled:
        return None
    return run_slot(job, cron.latest_slot(expression, zone, now()))


def run_now(name: str) -> JobRun:
    """Run a job at once, in a slot of this very moment. Raises `NotFoundError` for an unknown name."""
    job = registry(ScheduledJob).find(name)
    if job is None:
        raise NotFoundError(_("No job is called “%(name)s”.") % {"name": name})
    run = run_slot(job, now(), by_hand=True)
    if run is None:
        raise NotFoundError(_("“%(name)s” is already running in this slot.") % {"name": name})
    return run


def run_slot(job: ScheduledJob, slot: datetime, *, by_hand: bool = False) -> JobRun | None:
    """Claim a slot by its row and run it. None when another process has it."""
    moment = now()
    try:
        with transaction.atomic():
            run = JobRun.objects.create(
                job=job.name, slot=slot, by_hand=by_hand, started_at=moment, lease_until=moment + LEASE
            )
    except IntegrityError:
        return None
    return _execute(job, run)


def _execute(job: ScheduledJob, run: JobRun) -> JobRun:
    """Do this attempt, which is counted already, and record it unless it is another worker's by now."""
    due_at = None
    try:
        with kept_alive(lambda: _renew(run), HEARTBEAT_SECONDS):
            outcome, state = job.run(run.slot), JobRun.State.SUCCEEDED
    except Exception as error:  # noqa: BLE001 - whatever a job raises is recorded, retried, then shown to staff
        outcome, state = f"{type(error).__name__}: {error}"[:4000], JobRun.State.FAILED
        due_at = _next_try(job, run)
        tell = log.warning if due_at else log.error
        tell("job_put_off" if due_at else "job_failed", job=job.name, slot=run.slot, attempt=run.attempt, exc_info=True)
    recorded = _mine(run).update(state=state, outcome=outcome, finished_at=now(), lease_until=None, due_at=due_at)
    if not recorded:
        log.warning("job_lease_lost", job=job.name, slot=run.slot, attempt=run.attempt)
    run.refresh_from_db()
    return run


def _mine(run: JobRun) -> QuerySet[JobRun]:
    """The row, as long as this attempt is the one that counts."""
    return JobRun.objects.filter(pk=run.pk, attempt=run.attempt, state=JobRun.State.RUNNING)


def _renew(run: JobRun) -> bool:
    return bool(_mine(run).update(lease_until=now() + LEASE))


def _next_try(job: ScheduledJob, run: JobRun) -> datetime | None:
    """When to begin a slot again whose attempt failed: later each time. None after the last, and for a run by hand,
    whose failure is seen by whoever ordered it.
    """
    if run.by_hand or run.attempt > job.retries:
        return None
    seconds = pause(run.attempt, first=FIRST_PAUSE, factor=5.0, longest=LONGEST_PAUSE)
    return now() + timedelta(seconds=seconds)


def sweep() -> int:
    """Run what beat and workers left undone. Returns how many slots were begun.

    Missed slots follow the job's catch-up policy; slots whose worker died, and those that failed and are due again,
    are begun once more while they have retries left.
    """
    begun = 0
    for job in registry(ScheduledJob).all():
        expression, zone, enabled = effective_schedule(job)
        if enabled:
            begun += _run_missed(job, expression, zone) + _run_again(job)
    return begun


def _run_missed(job: ScheduledJob, expression: str, zone: str) -> int:
    newest = JobRun.objects.filter(job=job.name, by_hand=False).order_by("-slot").values_list("slot", flat=True).first()
    if newest is None:
        return 0  # never ran: the first slot is beat's to start
    begun = 0
    missed = cron.slots_between(expression, zone, max(newest, now() - LOOK_BACK), now() - timedelta(minutes=1))
    for slot in missed:
        if job.catch_up == "all" or (job.catch_up == "latest" and slot == missed[-1]):
            begun += run_slot(job, slot) is not None
        else:
            _skip(job, slot)
    return begun


def _skip(job: ScheduledJob, slot: datetime) -> None:
    JobRun.objects.get_or_create(
        job=job.name, slot=slot, defaults={"state": JobRun.State.SKIPPED, "started_at": now(), "finished_at": now()}
    )


def _run_again(job: ScheduledJob) -> int:
    """Begin slots again whose lease ran out or whose retry is due. One worker wins each by a conditional update."""
    begun, moment = 0, now()
    dead = Q(state=JobRun.State.RUNNING, lease_until__lt=moment)
    failed = Q(state=JobRun.State.FAILED, due_at__lte=moment)
    for run in JobRun.objects.filter(dead | failed, job=job.name).order_by("slot"):
        as_seen = JobRun.objects.filter(dead | failed, pk=run.pk, attempt=run.attempt)
        if run.state == JobRun.State.FAILED and _superseded(job, run):
            _give_up(as_seen, run, outcome=run.outcome)
        elif run.attempt > job.retries:
            _give_up(as_seen, run, outcome="The worker died during the last attempt.")
        elif as_seen.update(
            state=JobRun.State.RUNNING,
            attempt=F("attempt") + 1,
            started_at=now(),
            finished_at=None,
            due_at=None,
            lease_until=now() + LEASE,
        ):
            run.attempt += 1
            _execute(job, run)
            begun += 1
    return begun


def _superseded(job: ScheduledJob, run: JobRun) -> bool:
    """Whether a newer slot does what this one failed to do."""
    newer = JobRun.objects.filter(job=job.name, by_hand=False, slot__gt=run.slot)
    return job.catch_up != "all" and newer.exists()


def _give_up(as_seen: QuerySet[JobRun], run: JobRun, *, outcome: str) -> None:
    ended = run.finished_at or now()
    if as_seen.update(state=JobRun.State.FAILED, outcome=outcome, finished_at=ended, due_at=None, lease_until=None):
        log.error("job_failed", job=run.job, slot=run.slot, attempt=run.attempt, outcome=outcome)
