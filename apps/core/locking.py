"""Claiming rows: the same words on PostgreSQL (row locks) and SQLite (one writer at a time)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import connection, models, transaction

from apps.core.clock import now

ModelT = TypeVar("ModelT", bound=models.Model)

# How long a row rests whose worker died over it. It cuts nobody's work short: a living worker holds its row.
ATTEMPT_LEASE = timedelta(seconds=20)

_COUNT = """
UPDATE {table} SET attempts = attempts + 1, due_at = %s
WHERE id = (SELECT id FROM {table} WHERE state = %s AND due_at <= %s ORDER BY due_at LIMIT 1 {lock}) {unhurried}
RETURNING id
"""


class WorkerDiedError(Exception):
    """What goes on record when a row's last attempt ended with its worker."""

    def __init__(self) -> None:
        super().__init__("the worker died during the last attempt")


def unhurried() -> str:
    """A condition that is always true, for a statement that commits itself and need not wait for PostgreSQL's disk.

    For claims: one that a crash of the server takes back was never made, and a worker that dies alone takes nothing
    back. What the worker records later does wait, and stands behind the claim in the log.
    """
    if connection.vendor != "postgresql" or connection.in_atomic_block:
        return ""
    return "AND (SELECT set_config('synchronous_commit', 'off', true)) IS NOT NULL"


def claim_next(queryset: models.QuerySet[ModelT]) -> ModelT | None:
    """The first row that no other transaction holds, locked until this one ends; None when there is none.

    Here and everywhere: `no_key`, the lock that an update takes. A full one would also meet those who insert a row
    that refers to this one, and some of them hold what we want next.
    """
    if connection.features.has_select_for_update_skip_locked:
        return queryset.select_for_update(skip_locked=True, of=("self",), no_key=True).first()
    return queryset.first()


def take_turns(name: str) -> None:
    """Let one transaction at a time go on from here, of all that name the same thing; where no row can be locked.

    What the one before wrote is seen afterwards. SQLite has one writer at a time anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def attempt_next(rows: models.QuerySet[ModelT], waiting: str, work: Callable[[ModelT], None]) -> bool:
    """Call `work` with the row in state `waiting` that is due first, in a transaction that holds it. False: none is.

    Such rows have `state`, `attempts` and `due_at`; `rows` says what to read of them. An attempt is counted before it
    begins and for good, so that a row which kills its workers is known by its attempts. Whoever holds the row is alive:
    no one else gets it however long `work` takes, and when the worker dies the row is due again after `ATTEMPT_LEASE`.
    """
    moment = now()
    until = moment + ATTEMPT_LEASE
    key = _count_attempt(rows.model, waiting, moment, until)
    if key is None:
        return False
    with transaction.atomic():
        mine = rows.filter(pk=key, state=waiting, due_at=until)  # unless this worker slept over its lease
        # It waits: another worker that found the row due before it was counted locks it for a moment, then lets it go.
        row = mine.select_for_update(of=("self",), no_key=True).first()
        if row is not None:
            work(row)
    return True


def _count_attempt(model: type[models.Model], waiting: str, moment: datetime, until: datetime) -> Any:
    """Count an attempt for the first row that is free, in one statement. Its primary key; None when there is none."""
    lock = "FOR NO KEY UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""
    statement = _COUNT.format(table=model._meta.db_table, lock=lock, unhurried=unhurried())
    adapt = connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        cursor.execute(statement, [adapt(until), waiting, adapt(moment)])
        found = cursor.fetchall()  # all of it: SQLite ends the statement only then
    return model._meta.pk.to_python(found[0][0]) if found else None
