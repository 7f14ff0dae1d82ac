"""Whose turn it is when runs wait: organizations one after another, those first that hold the fewest workers.

Each process deals the turns anew four times a second and serves the organizations in between by what it knows.
"""

import threading
import time
import uuid
from collections import deque

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
_DEAL = """
WITH RECURSIVE waiting(organization_id) AS (
    SELECT ({first})
    UNION ALL
    SELECT ({following}) FROM waiting WHERE waiting.organization_id IS NOT NULL
), held AS (
    SELECT organization_id, COUNT(*) AS workers FROM {table} WHERE lease_until > %(now)s GROUP BY organization_id
)
SELECT organization_id FROM (
    SELECT waiting.organization_id, COALESCE(held.workers, 0) AS workers,
        (SELECT MIN(earliest) FROM ({earliest}) AS each_priority) AS due_since
    FROM waiting LEFT JOIN held ON held.organization_id = waiting.organization_id
    WHERE waiting.organization_id IS NOT NULL
) AS organizations
WHERE due_since IS NOT NULL AND workers < %(most)s
ORDER BY workers, due_since
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
        organizations = self._who_waits()
        with self._lock:
            self._next, self._until = deque(organizations), time.monotonic() + GOOD_FOR
        return bool(organizations)

    def _who_waits(self) -> list[uuid.UUID]:
        names = {"table": Run._meta.db_table, "free": FREE, "due": DUE}
        values = {
            "now": connection.ops.adapt_datetimefield_value(now()),
            "most": settings.ORGANIZATION_CONCURRENCY,
        }
        with connection.cursor() as cursor:
            cursor.execute(_ANY.format(**names), values)
            if cursor.fetchone() is None:
                return []
            cursor.execute(_deal(names), values)
            return [key if isinstance(key, uuid.UUID) else uuid.UUID(key) for (key,) in cursor.fetchall()]


def _deal(names: dict[str, str]) -> str:
    priorities = sorted(Run.Priority.values)
    return _DEAL.format(
        **names,
        first=_NEXT.format(after="", **names),
        following=_NEXT.format(after="AND organization_id > waiting.organization_id", **names),
        earliest=" UNION ALL ".join(_EARLIEST.format(priority=priority, **names) for priority in priorities),
    )


turns = Turns()
