"""Concurrency groups: at most so many runs of a workflow with one key go on, the others wait for a place in order.

A place is a row. Who ends leaves it vacant in the transaction of its end; once that is committed, `fill` gives it to
the first run that has none. A process that dies in between leaves a vacant place behind, which `reconcile` fills.
"""

import uuid
from functools import partial

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from apps.workflows.engine import versions
from apps.workflows.engine.wake import wake
from apps.workflows.models import ConcurrencySlot, Run
from apps.workflows.selectors import open_in_group

MOST_CONFLICTS = 5


def has_place(run: Run) -> bool:
    """Whether the run may go on: it has a place in its group, or gets one now because it is its turn."""
    own = ConcurrencySlot.objects.filter(run_id=run.pk)
    if own.exists():
        return True
    fill(run.workflow_id, run.concurrency_key, asking=run.pk)
    return own.exists()


def leave(run: Run) -> None:
    """Give up the run's place, in the transaction that ends it."""
    if ConcurrencySlot.objects.filter(run_id=run.pk).update(run=None):
        transaction.on_commit(partial(fill, run.workflow_id, run.concurrency_key), robust=True)


def fill(workflow_id: uuid.UUID, key: str, *, asking: uuid.UUID | None = None) -> None:
    """Give free places to the runs that wait longest, the most urgent first, and wake them.

    `asking` is the run whose worker waits for the answer: it needs no waking.
    """
    group = ConcurrencySlot.objects.filter(workflow_id=workflow_id, key=key)
    vacant = list(group.filter(run=None).values_list("pk", flat=True))
    conflicts = 0
    while conflicts < MOST_CONFLICTS:
        first = open_in_group(workflow_id, key).filter(slot=None).order_by("priority", "pk").first()
        if first is None:
            break
        try:
            with transaction.atomic():
                if not _give(group, first, asking):
                    break
        except IntegrityError:
            conflicts += 1  # another process was quicker with this place or this run
    group.filter(pk__in=vacant, run=None).delete()


def fill_vacant() -> None:
    """Fill the places that a process left vacant when it died."""
    for workflow_id, key in ConcurrencySlot.objects.filter(run=None).values_list("workflow_id", "key").distinct():
        fill(workflow_id, key)


def _give(group: QuerySet[ConcurrencySlot], run: Run, asking: uuid.UUID | None) -> bool:
    """Give the run a place unless it ends at this moment. False when there is none.

    The run is locked, because one that has ended would keep its place for ever. Places are numbered up to the limit,
    and each number exists once: whatever processes that know different runs do at the same time, no more are held.
    """
    unfinished = Run.objects.unscoped().filter(pk=run.pk, finished_at=None)
    if not unfinished.select_for_update(no_key=True).values_list("pk"):
        return True
    held = set(group.exclude(run=None).values_list("number", flat=True))
    limit = _limit_of(run)
    number = next((number for number in range(limit) if number not in held), None)
    if number is None or len(held) >= limit:
        return False
    if not group.filter(number=number, run=None).update(run=run):
        ConcurrencySlot.objects.create(workflow_id=run.workflow_id, key=run.concurrency_key, number=number, run=run)
    if run.pk != asking:
        wake(run.pk)
    return True


def _limit_of(run: Run) -> int:
    concurrency = versions.load(run.version_id).definition.concurrency
    assert concurrency is not None  # noqa: S101 - that is where its key comes from
    return concurrency.limit
