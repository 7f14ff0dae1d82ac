"""What a worker has done with a run and not yet recorded; `flush` records it, all or nothing.

Every flush is fenced by the lease token, so a worker that lost its lease can't write any more.
"""

from collections.abc import Sequence
from typing import Any

from django.db import models, transaction

from apps.core.clock import now
from apps.core.storing import store_if
from apps.workflows.engine.contract import Write
from apps.workflows.engine.leases import LEASE, LeaseLostError
from apps.workflows.models import Run, StepRun

_CHANGING = (
    "state",
    "attempt",
    "interruptions",
    "input",
    "output",
    "error",
    "attempts",
    "waiting_for",
    "due_at",
    "revision",
    "finished_at",
)


class CancelRequestedError(Exception):
    """Somebody asked for the run to be cancelled."""


class Journal:
    """The unrecorded changes of one claimed run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._new: dict[str, StepRun] = {}
        self._changed: dict[str, StepRun] = {}
        self._others: list[models.Model] = []
        self._writes: list[Write] = []

    def add(self, row: StepRun) -> None:
        """Record a new step."""
        self._new[row.path] = row

    def touch(self, row: StepRun) -> None:
        """Record a changed step."""
        if row.path not in self._new:
            self._changed[row.path] = row

    def insert(self, rows: Sequence[models.Model]) -> None:
        """Insert other rows with the next flush."""
        self._others.extend(rows)

    def also(self, write: Write | None) -> None:
        """Run `write` in the transaction of the next flush."""
        if write is not None:
            self._writes.append(write)

    def require_lease(self) -> None:
        """Raise `LeaseLostError` when the lease of the last flush is over by the clock.

        For the last moment before a call outside: a process that stood still has most likely been overtaken.
        """
        if self.run.lease_until is None or now() >= self.run.lease_until:
            raise LeaseLostError

    def flush(self, *, progress: bool = True, even_if_cancelled: bool = False, **run_changes: Any) -> None:
        """Record everything. Raises `LeaseLostError` or `CancelRequestedError`, and then nothing is recorded."""
        run = self.run
        changes: dict[str, Any] = {"lease_until": now() + LEASE, **run_changes, "revision": run.revision + 1}
        if progress:
            changes["claims"] = 0
        mine = Run.objects.unscoped().filter(pk=run.pk, lease_token=run.lease_token)
        allowed = mine if even_if_cancelled else mine.filter(cancel_requested_at__isnull=True)
        if not self._store(allowed, changes):
            raise CancelRequestedError if mine.exists() else LeaseLostError
        for name, value in changes.items():
            setattr(run, name, value)
        self._new.clear()
        self._changed.clear()
        self._others.clear()
        self._writes.clear()

    def _store(self, allowed: models.QuerySet[Run], changes: dict[str, Any]) -> bool:
        for row in (*self._new.values(), *self._changed.values()):
            row.revision = changes["revision"]
        new = [*self._new.values(), *self._others]
        changed = [(row, _CHANGING) for row in self._changed.values()]
        if not self._writes:
            return store_if(allowed, changes, new=new, changed=changed)
        with transaction.atomic():
            stored = store_if(allowed, changes, new=new, changed=changed)
            if stored:
                for write in self._writes:
                    write()
        return stored
