"""Whose turn it is when runs wait: organizations one after another, those first that hold the fewest workers.

Each process deals the turns anew four times a second and serves the organizations in between by what it knows.
"""

import threading
import time
import uuid
from collections import deque
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import connection

from apps.core.clock import now
from apps.workflows.models import Run

GOOD_FOR = 0.25  # seconds

FREE = "due_at IS NOT NULL AND lease_until IS NULL"
DUE = f"due_at <= %(now)s AND {FREE}"

_ANY = "SELECT 1 FROM {table} WHERE {due} LIMIT 1"
# From organization to organization by the index: a hundred thousand runs of one cost one look.
_NEXT = "SELECT organization_id FROM {table} WHERE {free} {after} ORDER BY organization_id LIMIT 1"
_EARLIEST = """SELECT MIN(due_at) AS earliest FROM {table}
    WHERE organization_id = waiting.organization_id AND priority = {priority:d} AND {due}"""
_WAITING = """
WITH RECURSIVE waiting(organization_id) AS (
    SELECT ({first})
    UNION ALL
    SELECT ({following}) FROM waiting WHERE waiting.organization_id IS NOT NULL
), held AS (
    SELECT organization_id, COUNT(*) AS workers FROM {table} WHERE lease_until > %(now)s GROUP BY organization_id
)
SELECT {answer} FROM (
    SELECT waiting.organization_id, COALESCE(held.workers, 0) AS workers,
        (SELECT MIN(earliest) FROM ({earliest}) AS each_priority) AS due_since
    FROM waiting LEFT JOIN held ON held.organization_id = waiting.organization_id
    WHERE waiting.organization_id IS NOT NULL
) AS organizations
WHERE due_since IS NOT NULL AND workers < %(most)s
"""


class Turns:
    """The organizations that this process serves next. Threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next: deque[uuid.UUID] = deque()
        self._until = 0.0

    def next(self) -> uuid.UUID | None:
        """The organization whose turn it is, which goes to the end of the row. None when turns must be dealt."""
        with self._lock:
            if not self._next or time.monotonic() >= self._until:
                return None
            self._next.rotate(-1)
            return self._next[-1]

    def drop(self, organization_id: uuid.UUID) -> None:
        """This organization has no run to take, or holds all the workers that it may."""
        with self._lock:
            if organization_id in self._next:
                self._next.remove(organization_id)

    def deal(self) -> bool:
        """Find out who waits. False when nobody does who may be served."""
        organizations = _who_waits()
        with self._lock:
            self._next, self._until = deque(organizations), time.monotonic() + GOOD_FOR
        return bool(organizations)


def waits_since(fewer_than: int) -> datetime | None:
    """Since when the oldest due run waits, of organizations whose runs fewer workers than this have."""
    for (since,) in _ask("MIN(due_since)", fewer_than):
        return datetime.fromisoformat(since).replace(tzinfo=UTC) if isinstance(since, str) else since
    return None


def _who_waits() -> list[uuid.UUID]:
    rows = _ask("organization_id", settings.ORGANIZATION_CONCURRENCY, "ORDER BY workers, due_since")
    return [key if isinstance(key, uuid.UUID) else uuid.UUID(key) for (key,) in rows]


def _ask(answer: str, most: int, order: str = "") -> list[tuple[Any]]:
    """Of the organizations that have due runs and fewer workers than this; nothing when no run is due at all."""
    names = {"table": Run._meta.db_table, "free": FREE, "due": DUE}
    values = {"now": connection.ops.adapt_datetimefield_value(now()), "most": most}
    with connection.cursor() as cursor:
        cursor.execute(_ANY.format(**names), values)
        if cursor.fetchone() is None:
            return []
        cursor.execute(f"{_waiting(answer, names)}{order}", values)
        found: list[tuple[Any]] = cursor.fetchall()
        return found


def _waiting(answer: str, names: dict[str, str]) -> str:
    priorities = sorted(Run.Priority.values)
    return _WAITING.format(
        **names,
        answer=answer,
        first=_NEXT.format(after="", **names),
        following=_NEXT.format(after="AND organization_id > waiting.organization_id", **names),
        earliest=" UNION ALL ".join(_EARLIEST.format(priority=priority, **names) for priority in priorities),
    )


turns = Turns()
