"""Proof of life: beat, workers and the watchdog each write signs of their own, and a task done proves the whole way.

A dead beat sends no ticks, a dead worker answers none: which of them is dead, only their own signs tell.
"""

import socket
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import structlog
from django.conf import settings
from django.db import Error, close_old_connections, connection
from django.db.models import F

from apps.core.clock import now
from apps.core.models import Heartbeat

log = structlog.get_logger(__name__)

Process = Literal["beat", "worker", "task", "watchdog", "channels"]

HEARTBEAT_TASK = "core.heartbeat"
HEARTBEAT_SECONDS = 15
STALE_AFTER = timedelta(seconds=4 * HEARTBEAT_SECONDS)
FORGOTTEN_AFTER = timedelta(days=1)  # of a process that does not run any more
GOODBYE_SECONDS = 3.0
LONGEST_TOLD = 60_000


def sign_seconds() -> float:
    """How often a process shows that it lives: several times between two looks of the watchdog."""
    return max(0.2, settings.WATCHDOG_SECONDS / 5)


def sign(process: Process, name: str = "", told: str | None = None) -> None:
    """Write that a process lives now, and what it has to say. Raises `ValueError` for what is too long: half of it
    would be worth nothing, and what was said before stays."""
    if told is not None and len(told) > LONGEST_TOLD:
        raise ValueError(f"what {process} has to say is too long: {len(told)} characters of {LONGEST_TOLD}")
    changes = {"beats": F("beats") + 1, "seen_at": now(), **({} if told is None else {"told": told})}
    row = Heartbeat.objects.filter(process=process, name=name[:120])
    if not row.update(**changes):
        Heartbeat.objects.bulk_create(
            [Heartbeat(process=process, name=name[:120], seen_at=now(), told=told or "")], ignore_conflicts=True
        )


def leave(process: Process, name: str) -> None:
    """Take a process's sign away: it ends as it should, and nobody is to miss it."""
    Heartbeat.objects.filter(process=process, name=name[:120]).delete()


def record() -> None:
    """Write that a worker takes tasks now."""
    sign("task")


def last(process: Process = "task") -> datetime | None:
    """When such a process last showed that it lives, or None."""
    newest = Heartbeat.objects.filter(process=process).order_by("-seen_at").first()
    return newest.seen_at if newest else None


def ran_for() -> timedelta:
    """How long tasks have been done here, by their signs. It begins anew where none was done for a day."""
    row = Heartbeat.objects.filter(process="task").order_by("-beats").first()
    return timedelta(seconds=row.beats * HEARTBEAT_SECONDS) if row else timedelta(0)


def is_fresh(process: Process = "task") -> bool:
    """Whether such a process lives. Of tasks: whether worker, beat and queue work together at this moment."""
    seen = last(process)
    return seen is not None and now() - seen < STALE_AFTER


@dataclass(frozen=True)
class Life:
    """When a process last showed that it lives, by its own clock, and whether it is taken to live."""

    seen_at: datetime | None
    lives: bool


def life_of_workers() -> Life:
    """How workers stand, as the watchdog says where it watches; one query.

    Of those that only do tasks, which come every quarter of a minute, these are the sign. Clocks of machines differ:
    a sign is too old by them only where no difference explains it.
    """
    signs: dict[str, Heartbeat] = {}
    for row in Heartbeat.objects.filter(process__in=("worker", "task", "watchdog")).order_by("seen_at"):
        signs[row.process] = row
    newest, watchdog, recent = signs.get("worker") or signs.get("task"), signs.get("watchdog"), now() - STALE_AFTER
    if newest is None:
        return Life(None, lives=False)
    dead = watchdog is not None and watchdog.seen_at > recent and "worker" in watchdog.told.split()
    return Life(newest.seen_at, lives=newest.seen_at > recent and not dead)


def call_dead(processes: Iterable[str]) -> None:
    """Write down whom the watchdog takes to be dead."""
    Heartbeat.objects.filter(process="watchdog").update(told=" ".join(sorted(processes)))


def alive(process: Process) -> list[str]:
    """The names of those that live."""
    fresh = Heartbeat.objects.filter(process=process, seen_at__gt=now() - STALE_AFTER)
    return list(fresh.order_by("name").values_list("name", flat=True))


def forget(moment: datetime) -> int:
    """Delete the signs of processes that are gone for long."""
    return Heartbeat.objects.filter(seen_at__lt=moment - FORGOTTEN_AFTER).delete()[0]


class Pulse(threading.Thread):
    """Writes a process's signs from a thread of its own, as long as the process lives."""

    def __init__(self, process: Process, name: str = "") -> None:
        super().__init__(name="pulse", daemon=True)
        self._process: Process = process
        self._name = name or socket.gethostname()
        self._over = threading.Event()
        self._told = False

    def run(self) -> None:
        """Until `stop`, whatever the database does."""
        while True:
            self._sign()
            if self._over.wait(sign_seconds()):
                break
        with suppress(Error):
            leave(self._process, self._name)
        connection.close()

    def _sign(self) -> None:
        try:
            close_old_connections()
            sign(self._process, self._name)
            self._told = False
        except Error as error:
            connection.close()
            if not self._told:
                self._told = True
                log.warning("heartbeat_not_written", process=self._process, error=str(error))

    def stop(self) -> None:
        """End after the sign that is being written, with a goodbye, if that takes no longer than a moment."""
        self._over.set()
        if self.is_alive():
            self.join(GOODBYE_SECONDS)
