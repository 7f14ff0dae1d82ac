"""How scheduled jobs are: which of them are late, fail, or never ran. Few queries, whatever their number."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils.timesince import timesince

from apps.core.clock import now
from apps.core.job_schedules import Schedule, schedules
from apps.core.kinds import ScheduledJob
from apps.core.models import JobRun, JobState
from apps.core.registry import registry

State = Literal["ok", "paused", "late", "failing", "never_ran"]
LATE_AFTER = timedelta(minutes=10)  # beat and sweeper had their turns, several times


@dataclass(frozen=True)
class JobHealth:
    """One job at this moment. `why` is for staff: a sentence, with the error where there is one."""

    job: ScheduledJob
    schedule: Schedule
    state: State
    next_slot: datetime | None
    why: str = ""

    @property
    def well(self) -> bool:
        """Whether nobody need be alarmed."""
        return self.state in ("ok", "paused")


def look(jobs: Iterable[ScheduledJob] | None = None) -> list[JobHealth]:
    """How all jobs are, or these: two queries."""
    every = registry(ScheduledJob).all() if jobs is None else list(jobs)
    found = schedules(every)
    states = {state.job: state for state in _states().filter(job__in=[job.name for job in every])}
    moment = now()
    return [_judge(job, found[job.name], states.get(job.name), moment) for job in every]


def _states() -> QuerySet[JobState]:
    """What is needed of each job's runs, each by the index on job and slot, from its newest end."""
    runs = JobRun.objects.filter(job=OuterRef("job")).order_by("-slot")
    settled = Q(state=JobRun.State.SUCCEEDED) | Q(state=JobRun.State.FAILED, due_at=None, by_hand=False)
    ended, done = runs.filter(settled), runs.filter(state=JobRun.State.SUCCEEDED)
    return JobState.objects.annotate(
        newest=Subquery(runs.filter(by_hand=False, slot__lte=now()).values("slot")[:1]),
        ended_as=Subquery(ended.values("state")[:1]),
        ended_with=Subquery(ended.values("outcome")[:1]),
        done=Subquery(done.values("slot")[:1]),
        ran=Exists(runs.exclude(state=JobRun.State.SKIPPED).filter(attempt__gt=0)),
    )


def _judge(job: ScheduledJob, schedule: Schedule, state: Any, moment: datetime) -> JobHealth:
    if not schedule.enabled:
        return JobHealth(job, schedule, "paused", None)
    next_slot = schedule.next_slot(moment)
    if state is None:
        return JobHealth(job, schedule, "ok", next_slot)
    due = schedule.next_slot(max(state.owed_since, state.newest or state.owed_since))
    if moment - due > LATE_AFTER:
        what: State = "late" if state.ran else "never_ran"
        return JobHealth(job, schedule, what, next_slot, f"It was due {_ago(due, moment)} and has not begun.")
    if state.ended_as == JobRun.State.FAILED:
        return JobHealth(job, schedule, "failing", next_slot, str(state.ended_with).partition("\n")[0][:300])
    wanting = schedule.next_slot(max(state.owed_since, state.done or state.owed_since))  # since the last success
    if moment - wanting > job.overdue_after:
        why = f"No slot since that of {wanting:%Y-%m-%d %H:%M} UTC has succeeded."
        return JobHealth(job, schedule, "late", next_slot, why)
    return JobHealth(job, schedule, "ok", next_slot)


def _ago(moment: datetime, at: datetime) -> str:
    return f"{timesince(moment, at, depth=1)} ago".replace("\xa0", " ")
