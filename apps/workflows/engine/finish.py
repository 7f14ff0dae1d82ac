"""How a run ends: its state, its open steps, its slot, its parent, and the event that tells the floors above."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from apps.core.clock import now
from apps.core.doorbell import ring_once
from apps.core.events import emit, prepare
from apps.core.models import DomainEvent, EventDelivery
from apps.workflows.engine import groups, versions
from apps.workflows.engine.wake import WORK_TASK, wake
from apps.workflows.models import Run, StepRun

RUN_FINISHED = "run_finished"
MARKED_AT_ONCE = 500


def ending(state: str, output: Any = None, error: Any = None) -> dict[str, Any]:
    """The changes that put a run into a last state."""
    return {
        "state": state,
        "output": output,
        "error": error,
        "finished_at": now(),
        "due_at": None,
        "lease_until": None,
        "lease_token": None,
    }


def settle(run: Run, state: str, output: Any, error: Any) -> None:
    """Everything that follows from a run's end, in the transaction that ends it."""
    tie_up(run, state, output, error)
    emit(RUN_FINISHED, _told(run, state, error), **_whose(run))


def has_loose_ends(run: Run, steps: Iterable[StepRun]) -> bool:
    """Whether more follows from the end of a run with these steps than the event."""
    return bool(
        run.concurrency_key or run.parent_step_id is not None or any(row.state not in StepRun.FINISHED for row in steps)
    )


def tie_up(run: Run, state: str, output: Any, error: Any) -> None:
    """Stop open subflows, close open steps, pass on the slot, answer the parent; in the transaction that ends it."""
    _cancel_subflows(run)  # of a run that succeeded too: it may have gone on without a loop that failed
    StepRun.objects.unscoped().filter(run_id=run.pk).exclude(state__in=StepRun.FINISHED).update(
        state=StepRun.State.CANCELLED, waiting_for="", due_at=None, finished_at=now(), revision=run.revision + 1
    )
    if run.concurrency_key:
        groups.leave(run)
    if run.parent_step_id is not None:
        _answer_parent(run, run.parent_step_id, state, output, error)


def lock_parent(run: Run) -> None:
    """Lock the run that waits for this one, before this one is: everybody locks from the top down."""
    if run.parent_step_id is not None:
        list(Run.objects.unscoped().select_for_update(no_key=True).filter(steps=run.parent_step_id).values_list("pk"))


def request_cancel(run: Run) -> None:
    """Ask an unfinished run to stop; end it here when no worker holds it. Call inside a transaction."""
    lock_parent(run)
    locked = Run.objects.unscoped().select_for_update(no_key=True).get(pk=run.pk)
    if locked.finished:
        return
    changes = {"cancel_requested_at": locked.cancel_requested_at or now()}
    if locked.lease_until is None:
        changes |= ending(Run.State.CANCELLED) | {"revision": locked.revision + 1}
    Run.objects.unscoped().filter(pk=locked.pk).update(**changes)
    if locked.lease_until is None:
        settle(locked, Run.State.CANCELLED, None, None)
    else:
        _cancel_subflows(locked)


def mark_for_cancelling(runs: QuerySet[Run]) -> None:
    """Have these open runs end as cancelled, each by a worker in a transaction of its own. Call inside a transaction.

    For callers that hold other runs already: ending one here would lock its parent, which may wait for what they hold.
    """
    moment = now()
    unmarked = runs.filter(cancel_requested_at=None).order_by("pk").select_for_update(no_key=True)
    marked = list(unmarked.values_list("pk", flat=True)[:MARKED_AT_ONCE])
    if marked:
        Run.objects.unscoped().filter(pk__in=marked).update(cancel_requested_at=moment, due_at=moment)
        ring_once(WORK_TASK)


def _cancel_subflows(run: Run) -> None:
    """Stop the runs that open steps of this run wait for: nobody would hear their answer."""
    waiting = StepRun.objects.unscoped().filter(run_id=run.pk, waiting_for=StepRun.WaitingFor.SUBFLOW)
    callers = list(waiting.values_list("pk", flat=True))
    for child in Run.objects.unscoped().filter(parent_step_id__in=callers, finished_at__isnull=True):
        request_cancel(child)


def finished_event(run: Run, state: str, error: Any) -> tuple[DomainEvent, list[EventDelivery]]:
    """The rows of the event that tells of a run's end, not stored yet."""
    return prepare(RUN_FINISHED, _told(run, state, error), **_whose(run))


def _whose(run: Run) -> dict[str, uuid.UUID]:
    """The run's own organization and realm: whoever ends it, staff for example, may act for another or for none."""
    return {"organization_id": run.organization_id, "realm_id": versions.load(run.version_id).realm_id}


def _told(run: Run, state: str, error: Any) -> dict[str, Any]:
    return {
        "run_id": str(run.pk),
        "workflow_id": str(run.workflow_id),
        "state": state,
        "trigger_kind": run.trigger_kind,
        "livemode": run.livemode,
        "error": error,
    }


def _answer_parent(run: Run, step_id: uuid.UUID, state: str, output: Any, error: Any) -> None:
    StepRun.objects.unscoped().filter(pk=step_id).update(
        signal={"run_id": run.public_id, "state": state, "output": output, "error": error}
    )
    parent = StepRun.objects.unscoped().filter(pk=step_id).values_list("run_id", flat=True).first()
    if parent is not None:
        wake(parent)
