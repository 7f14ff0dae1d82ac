"""Scheduled jobs: beat only ticks; a slot belongs to whoever inserts its row; the sweeper finds what was missed.

A slot is begun by beat's message or, when that did not come, by the sweeper. Only a slot that nobody began within
`STILL_DUE` is missed, and follows its job's catch-up policy. Whose schedule it is: `job_schedules`.
"""

from datetime import datetime, timedelta

import structlog
from django.db import IntegrityError, transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from apps.core import cron, job_logs
from apps.core.backoff import pause
from apps.core.clock import now
from apps.core.context import bound
from apps.core.errors import NotFoundError
from apps.core.job_schedules import RUN_TASK, Schedule, effective_schedule, note_new_jobs, schedules, sync_schedules
from apps.core.keeping import kept_alive
from apps.core.kinds import ScheduledJob
from apps.core.models import JobRun, JobState
from apps.core.registry import registry
from apps.core.scrubbing import scrub

__all__ = ["RUN_TASK", "effective_schedule", "sync_schedules"]

log = structlog.get_logger(__name__)

SWEEP_TASK = "core.sweep_jobs"
LEASE = timedelta(seconds=120)
HEARTBEAT_SECONDS = 20.0
LAST_CHANCE = timedelta(seconds=30)  # a living worker renews within this: a clock that was put forward ends no lease
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0
BEATS_TURN = timedelta(minutes=1)  # the sweeper leaves younger slots to beat
STILL_DUE = timedelta(minutes=10)
LOOK_BACK = timedelta(days=400)
PAUSED = "The job was paused before a worker began."
MOST_SLOTS = 1000  # the newest of them are looked at


def run_due_slot(name: str) -> JobRun | None:
    """Run what is due of a job, on beat's word. None when there was nothing to do, else the last run."""
    job = registry(ScheduledJob).get(name)
    schedule = effective_schedule(job)
    if not schedule.enabled:
        return None
    moment = now()
    state = _states().filter(job=name).first()
    if state is None:  # never heard of until now, but beat is right that it is due
        latest = cron.latest_slot(schedule.expression, schedule.tz, moment)
        note_new_jobs([job])
        JobState.objects.filter(job=name, owed_since__gte=latest).update(owed_since=latest - timedelta(microseconds=1))
        state = _states().get(job=name)
    runs = _begin(job, _owed(state, schedule, until=moment))
    return runs[-1] if runs else None


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
        taken = None if by_hand else _take_back(job, slot)
        if taken is None:
            return None
        run = taken
    return _execute(job, run)


def _take_back(job: ScheduledJob, slot: datetime) -> JobRun | None:
    """A slot that was skipped at a time that is still to come, by a clock that went wrong: it is not missed yet."""
    moment = now()
    skipped = JobRun.objects.filter(job=job.name, slot=slot, state=JobRun.State.SKIPPED, started_at__gt=moment)
    if not skipped.update(
        state=JobRun.State.RUNNING, started_at=moment, finished_at=None, lease_until=moment + LEASE, attempt=1
    ):
        return None
    return JobRun.objects.get(job=job.name, slot=slot)


# One attempt ----------------------------------------------------------------------------------------------------------
def _execute(job: ScheduledJob, run: JobRun) -> JobRun:
    """Do this attempt, which is counted already, and record it unless it is another worker's by now."""
    due_at = None
    lines = job_logs.RunLog(run.log)
    with bound(job=job.name), job_logs.kept(lines):
        if run.attempt > 1:
            lines.add(f"-- attempt {run.attempt}")
        try:
            with kept_alive(lambda: _renew(run, lines), HEARTBEAT_SECONDS):
                outcome, state = job.run(run.slot)[:4000], JobRun.State.SUCCEEDED
        except Exception as error:  # noqa: BLE001 - whatever a job raises is recorded, retried, then shown to staff
            outcome, state = scrub(f"{type(error).__name__}: {error}")[:4000], JobRun.State.FAILED
            due_at = _next_try(job, run)
            tell = log.warning if due_at else log.error
            told = "job_put_off" if due_at else "job_failed"
            tell(told, job=job.name, slot=run.slot, attempt=run.attempt, exc_info=True)
    recorded = _mine(run).update(
        state=state, outcome=outcome, log=lines.text, finished_at=now(), lease_until=None, due_at=due_at
    )
    if not recorded:
        log.warning("job_lease_lost", job=job.name, slot=run.slot, attempt=run.attempt)
    run.refresh_from_db()
    return run


def _mine(run: JobRun) -> QuerySet[JobRun]:
    """The row, as long as this attempt is the one that counts."""
    return JobRun.objects.filter(pk=run.pk, attempt=run.attempt, state=JobRun.State.RUNNING)


def _renew(run: JobRun, lines: job_logs.RunLog) -> bool:
    """Keep the lease; what was logged so far is shown to staff meanwhile, and outlives this worker."""
    return bool(_mine(run).update(lease_until=now() + LEASE, due_at=None, log=lines.text))


def _next_try(job: ScheduledJob, run: JobRun) -> datetime | None:
    """When to begin a slot again whose attempt failed: later each time. None after the last, and for a run by hand,
    whose failure is seen by whoever ordered it.
    """
    if run.by_hand or run.attempt > job.retries:
        return None
    seconds = pause(run.attempt, first=FIRST_PAUSE, factor=5.0, longest=LONGEST_PAUSE)
    return now() + timedelta(seconds=seconds)


# Slots that are owed --------------------------------------------------------------------------------------------------
def _states() -> QuerySet[JobState]:
    """What is owed, with the newest slot that has a row: one query by the index on job and slot, for all jobs.

    Rows of slots that are still to come, and what was skipped at such a time, are of a clock that was put back since.
    """
    moment = now()
    ahead = Q(state=JobRun.State.SKIPPED, started_at__gt=moment)
    rows = JobRun.objects.filter(job=OuterRef("job"), by_hand=False, slot__lte=moment).exclude(ahead)
    return JobState.objects.annotate(newest=Subquery(rows.order_by("-slot").values("slot")[:1]))


def _owed(state: JobState, schedule: Schedule, until: datetime) -> list[datetime]:
    newest: datetime | None = state.newest  # type: ignore[attr-defined] # annotated by `_states`
    after = max(state.owed_since, newest or state.owed_since, until - LOOK_BACK)
    return cron.slots_between(schedule.expression, schedule.tz, after, until, most=MOST_SLOTS)


def _begin(job: ScheduledJob, slots: list[datetime]) -> list[JobRun]:
    """Run slots that nobody began, as far as the job's policy wants them; the others are recorded as skipped."""
    if not slots:
        return []
    if job.catch_up == "all":
        wanted = slots
    elif job.catch_up == "latest" or now() - slots[-1] <= STILL_DUE:
        wanted = slots[-1:]
    else:
        wanted = []
    _skip(job, slots[: len(slots) - len(wanted)])
    begun = [run_slot(job, slot) for slot in wanted]
    return [run for run in begun if run is not None]


def _skip(job: ScheduledJob, slots: list[datetime]) -> None:
    moment = now()
    JobRun.objects.bulk_create(
        [
            JobRun(job=job.name, slot=slot, state=JobRun.State.SKIPPED, started_at=moment, finished_at=moment)
            for slot in slots
        ],
        ignore_conflicts=True,
    )


# The sweeper ----------------------------------------------------------------------------------------------------------
def sweep() -> int:
    """Run what beat and workers left undone. Returns how many slots were begun.

    Missed slots follow the job's catch-up policy; slots whose worker died, and those that failed and are due again,
    are begun once more while they have retries left. Four queries, whatever the number of jobs, when all is well.
    """
    jobs = {job.name: job for job in registry(ScheduledJob).all()}
    found = schedules(jobs.values())
    states = {state.job: state for state in _states()}
    if jobs.keys() - states.keys():
        note_new_jobs(jobs.values())
    begun, until = 0, now() - BEATS_TURN
    on = {name for name in jobs if found[name].enabled}
    for name in jobs:
        if name in on and name in states:
            begun += len(_begin(jobs[name], _owed(states[name], found[name], until)))
    return begun + _run_again(jobs, on)


def _run_again(jobs: dict[str, ScheduledJob], on: set[str]) -> int:
    """Begin slots again whose lease ran out or whose retry is due. One worker wins each by a conditional update.

    Those of a job that is paused end.
    """
    begun, moment = 0, now()
    expired = JobRun.objects.filter(state=JobRun.State.RUNNING, lease_until__lt=moment)
    expired.filter(attempt__gt=0, due_at=None).update(due_at=moment + LAST_CHANCE)
    dead = Q(state=JobRun.State.RUNNING, lease_until__lt=moment) & (Q(attempt=0) | Q(due_at__lte=moment))
    failed = Q(state=JobRun.State.FAILED, due_at__lte=moment)
    for run in JobRun.objects.filter(dead | failed, job__in=jobs).order_by("slot"):
        job = jobs[run.job]
        as_seen = JobRun.objects.filter(dead | failed, pk=run.pk, attempt=run.attempt)
        if run.state == JobRun.State.FAILED and (run.job not in on or _superseded(job, run)):
            _give_up(as_seen, run, outcome=run.outcome)
        elif run.job not in on and not run.attempt:
            as_seen.update(state=JobRun.State.SKIPPED, outcome=PAUSED, finished_at=moment, lease_until=None)
        elif run.job not in on:
            _give_up(as_seen, run, outcome="The worker died, and the job is paused.")
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
