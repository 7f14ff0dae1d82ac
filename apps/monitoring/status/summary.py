"""The whole status page as JSON values: made of the rows at most every 30 seconds, kept for when there are none.

`summary()` asks what this process remembers, then Redis and the file, and the database only where these are old. While
the database is away the last copy is shown, and says so.
"""

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import DatabaseError, InterfaceError

from apps.monitoring.kept import Copy, Kept
from apps.monitoring.status.composing import compose, unknown

log = structlog.get_logger(__name__)

KEPT = Kept("status")
LOOKED_FOR_EVERY_SECONDS = 5.0
FRESH_SECONDS = 30.0
AWAY_AFTER = timedelta(minutes=2)
DATABASE_AWAY = (DatabaseError, InterfaceError)


@dataclass
class Shown:
    """A summary as this process has it. `away` says that the database did not answer when it was to be made anew."""

    value: dict[str, Any]
    at: float
    away: bool = False
    rendered: dict[str, Any] = field(default_factory=dict)

    @property
    def is_old(self) -> bool:
        """Whether it is no news any more, because nobody can look."""
        return self.away and time.time() - self.at > AWAY_AFTER.total_seconds()

    @property
    def made_at(self) -> datetime:
        """When it was made."""
        return datetime.fromisoformat(self.value.get("made_at") or self.value["updated_at"])

    @property
    def measured_at(self) -> datetime | None:
        """When somebody looked last, which is what a reader wants to know."""
        looked = self.value.get("measured_at")
        return datetime.fromisoformat(looked) if looked else None


class _Memory:
    """What this process shows, and since when."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.shown: Shown | None = None
        self.looked = 0.0

    def keep(self, copy: Copy, *, away: bool = False) -> Shown:
        shown = self.shown
        if shown is None or (shown.at, shown.away) != (copy.at, away) or shown.value != copy.value:
            self.shown = Shown(copy.value, copy.at, away)  # which is to be rendered anew
        self.looked = time.monotonic()
        assert self.shown is not None  # noqa: S101 - it was just made
        return self.shown


_memory = _Memory()


def summary() -> Shown:
    """What to show now. Whoever finds it old makes it anew; all others get the old one meanwhile."""
    shown = _memory.shown
    if shown is not None and time.monotonic() - _memory.looked < LOOKED_FOR_EVERY_SECONDS:
        return shown
    copy = KEPT.get()
    if copy is not None and time.time() - copy.at < FRESH_SECONDS:
        return _memory.keep(copy)
    if not _memory.lock.acquire(blocking=copy is None):
        assert copy is not None  # noqa: S101 - it waits where there is none
        return shown or Shown(copy.value, copy.at)
    try:
        return _memory.keep(KEPT.put(compose()))
    except DATABASE_AWAY as error:
        log.warning("status_not_composed", error=str(error))
        return _memory.keep(copy or Copy(time.time(), unknown()), away=True)
    finally:
        _memory.lock.release()


def refresh() -> None:
    """Something changed: make it anew now, so that nobody sees it late. Where that fails, the next reader does."""
    try:
        _memory.keep(KEPT.put(compose()))
    except DATABASE_AWAY as error:
        log.warning("status_not_composed", error=str(error))


def forget() -> None:
    """For tests: this process remembers nothing."""
    _memory.shown, _memory.looked = None, 0.0
