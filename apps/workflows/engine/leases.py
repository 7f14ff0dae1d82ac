"""Who works on which run: a claim takes a lease (`claims`), a heartbeat keeps it, a dead worker's lease runs out."""

import os
import threading
import uuid
from datetime import datetime, timedelta

import structlog
from django.db import connection
from django.db.models import F, Q
from django.db.utils import Error

from apps.core.clock import now
from apps.workflows.models import Run

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=15)
HEARTBEAT_SECONDS = 5.0


class LeaseLostError(Exception):
    """Another worker has the run: whatever was not recorded yet is theirs to do."""


def release_expired() -> int:
    """Free the runs of dead workers. Returns how many."""
    moment = now()
    return (
        Run.objects.unscoped()
        .filter(lease_until__lt=moment)
        .update(lease_until=None, lease_token=None, due_at=moment, revision=F("revision") + 1)
    )


class LeaseKeeper:
    """Renews the leases that this process holds, from one thread, while steps take their time."""

    def __init__(self) -> None:
        self._held: dict[uuid.UUID, uuid.UUID] = {}
        self._lock = threading.Lock()
        self._pid = 0
        self._wake = threading.Event()

    def hold(self, run_id: uuid.UUID, token: uuid.UUID) -> None:
        """Keep this lease until `drop`."""
        with self._lock:
            if self._pid != os.getpid():  # first use in this process, or just forked
                self._pid = os.getpid()
                self._held = {}
                self._wake = threading.Event()
                threading.Thread(target=self._beat, args=(self._wake,), name="lease-keeper", daemon=True).start()
            self._held[run_id] = token

    def drop(self, run_id: uuid.UUID) -> None:
        """Stop keeping the lease of this run."""
        with self._lock:
            self._held.pop(run_id, None)

    def _beat(self, wake: threading.Event) -> None:
        while not wake.wait(HEARTBEAT_SECONDS):
            with self._lock:
                held = dict(self._held)
            if held:
                self._renew(held, now())

    def _renew(self, held: dict[uuid.UUID, uuid.UUID], moment: datetime) -> None:
        try:
            mine = Q()
            for run_id, token in held.items():
                mine |= Q(pk=run_id, lease_token=token)
            Run.objects.unscoped().filter(mine).update(lease_until=moment + LEASE)
        except Error as error:  # this thread must outlive whatever the database does
            log.warning("leases_not_renewed", runs=len(held), error=str(error))
        finally:
            connection.close()  # this thread's own, needed again only in seconds


keeper = LeaseKeeper()
