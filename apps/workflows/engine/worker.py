"""The worker's loop: claim a run, walk it, record how it stands, until nothing is due."""

from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import Error, transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from apps.core.clock import now
from apps.core.context import bind, bound
from apps.core.doorbell import ring_once, ring_once_now
from apps.core.events import DELIVER_TASK
from apps.core.tallies import Timing
from apps.workflows import limits
from apps.workflows.engine import groups, versions
from apps.workflows.engine.alarm import alarm
from apps.workflows.engine.claims import claim_run
from apps.workflows.engine.execution import RUN_TIMEOUT, Execution, Failed, Parked
from apps.workflows.engine.finish import ending, finished_event, has_loose_ends, lock_parent, tie_up
from apps.workflows.engine.journal import CancelRequestedError
from apps.workflows.engine.leases import LeaseLostError, keeper
from apps.workflows.engine.wake import WORK_TASK
from apps.workflows.models import Run

log = structlog.get_logger(__name__)

RUNS = Timing(
    "levqor_run_seconds",
    "Time from a run's begin to its end.",
    (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0),
    ("state",),
)


def work(most: int = 1_000) -> int:
    """Work on due runs until none is left (or `most` were taken). Returns how many were taken."""
    for taken in range(most):
        run = claim_run()
        if run is None:
            return taken
        advance(run)
    ring_once_now(WORK_TASK)  # there may be more
    return most


def advance(run: Run) -> None:
    """Take a claimed run as far as it goes now.

    Never raises: whatever breaks on our side gives the run back for another try, a few times, and the other runs go on.
    """
    assert run.lease_token is not None  # noqa: S101 - claim_run sets it
    keeper.hold(run.pk, run.lease_token)
    about = {"organization_id": run.organization_id, "run": run.public_id, "actor_label": run.public_id}
    with bound(actor_kind="system", **about):
        try:
            loaded = versions.load(run.version_id)
            bind(realm_id=loaded.realm_id)
            _advance(run, loaded)
        except LeaseLostError:
            log.warning("lease_lost")
        except Exception:
            log.exception("run_broke", claims=run.claims)
            _give_back(run)
        finally:
            keeper.drop(run.pk)


def _advance(run: Run, loaded: versions.Loaded) -> None:
    execution = Execution(run, loaded)
    if run.cancel_requested_at is not None:
        _end(execution, Run.State.CANCELLED)
        return
    try:
        _go_on(execution)
    except CancelRequestedError:
        _end(Execution(run, loaded), Run.State.CANCELLED)


def _go_on(execution: Execution) -> None:
    run = execution.run
    if run.claims > limits.CLAIMS_WITHOUT_PROGRESS:
        error = {"code": "worker_lost", "message": "No worker that took this run got any further: they broke or died."}
        _end(execution, Run.State.FAILED, error=error)
        return
    if run.concurrency_key and not groups.has_place(run):
        if execution.too_late():
            _end(execution, Run.State.FAILED, error=dict(RUN_TIMEOUT))
        else:
            _park(execution, None, Run.State.QUEUED, started_at=None)
        return
    outcome = execution.walk()
    if isinstance(outcome, Parked):
        _park(execution, outcome.until, Run.State.WAITING)
    elif isinstance(outcome, Failed):
        _end(execution, Run.State.FAILED, error=dict(outcome.error))
    else:
        _end(execution, Run.State.SUCCEEDED, output=execution.output())


def _give_back(run: Run) -> None:
    """Free a run whose walk broke, to be tried again after a growing pause. What it had not recorded is forgotten."""
    pause = timedelta(seconds=2**run.claims)
    try:
        Run.objects.unscoped().filter(pk=run.pk, lease_token=run.lease_token).update(
            lease_until=None, lease_token=None, due_at=now() + pause
        )
    except Error:
        log.warning("run_not_given_back", run=run.public_id)  # its lease runs out


def _park(execution: Execution, until: datetime | None, state: str, **changes: Any) -> None:
    run = execution.run
    wake_at = min((moment for moment in (until, run.deadline_at) if moment is not None), default=None)
    # Somebody who woke the run while it was worked on has set due_at: that moment wins over ours.
    due: Any = Coalesce(F("due_at"), wake_at) if wake_at is not None else F("due_at")
    execution.journal.flush(state=state, due_at=due, lease_until=None, lease_token=None, **changes)
    if wake_at is not None:
        alarm.set(wake_at)


def _end(execution: Execution, state: str, *, output: Any = None, error: Any = None) -> None:
    run = execution.run
    event, deliveries = finished_event(run, state, error)
    execution.journal.insert([event, *deliveries])
    if has_loose_ends(run, execution.rows.values()):
        execution.journal.also(lambda: tie_up(run, state, output, error))
    with transaction.atomic() if run.parent_step_id is not None else nullcontext():
        lock_parent(run)
        changes = ending(state, output, error)
        execution.journal.flush(even_if_cancelled=state == Run.State.CANCELLED, **changes)
    RUNS.add((changes["finished_at"] - (run.started_at or run.created_at)).total_seconds(), state)
    if deliveries:
        ring_once(DELIVER_TASK)
