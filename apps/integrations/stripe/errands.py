"""Errands to Stripe: rows that order something there. Each is done with its own idempotency key, outside of any
transaction; killed in between, it is done once more under the same key.

Such rows have `attempts`, `due_at` and `last_error`. Who takes one moves its `due_at`: its lease and its fence.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import structlog
from django.db import models, transaction

from apps.core.backoff import pause
from apps.core.clock import now
from apps.core.errors import DomainError
from apps.core.locking import claim_next
from apps.integrations.stripe.errors import StripeRefusedError, StripeUnavailableError

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=90)  # longer than the gateway waits for an answer, with its own repetitions
RowT = TypeVar("RowT", bound=models.Model)
ResultT = TypeVar("ResultT")


def run_errands(
    waiting: models.QuerySet[RowT],
    go: Callable[[RowT], ResultT],
    done: Callable[[RowT, ResultT], None],
    refused: Callable[[RowT, StripeRefusedError], None],
    *,
    first: Callable[[RowT], None] = lambda row: None,
    limit: int = 100,
) -> int:
    """Do what waits and is due, one after the other. Returns how many were tried.

    `done` and `refused` write down what became of it, in a transaction that holds the row as it is now; `first` takes
    what has to be locked before the row.
    """
    for tried in range(limit):
        row = _claim(waiting)
        if row is None:
            return tried
        try:
            _do(row, go, done, refused, first)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other errands are done, and this one again
            _put_off(row, error)
    return limit


def _do(
    row: RowT,
    go: Callable[[RowT], ResultT],
    done: Callable[[RowT, ResultT], None],
    refused: Callable[[RowT, StripeRefusedError], None],
    first: Callable[[RowT], None],
) -> None:
    try:
        result = go(row)
    except StripeRefusedError as error:
        refusal = error
        _note(row, first, lambda fresh: refused(fresh, refusal))
    else:
        _note(row, first, lambda fresh: done(fresh, result))


def _claim(waiting: models.QuerySet[RowT]) -> RowT | None:
    with transaction.atomic():
        row: Any = claim_next(waiting.filter(due_at__lte=now()).order_by("due_at"))
        if row is None:
            return None
        row.attempts, row.due_at = row.attempts + 1, now() + LEASE
        row.save(update_fields=("attempts", "due_at"))
        return row  # type: ignore[no-any-return]


def _note(row: Any, first: Callable[[Any], None], write: Callable[[Any], None]) -> None:
    """Unless somebody else took the row over, whose lease it is then."""
    with transaction.atomic():
        first(row)
        fresh = type(row)._base_manager.select_for_update(no_key=True).filter(pk=row.pk, due_at=row.due_at).first()
        if fresh is not None:
            write(fresh)


def _put_off(row: Any, error: Exception) -> None:
    seconds = pause_before(row.attempts, error.extra.get("retry_after") if isinstance(error, DomainError) else None)
    type(row)._base_manager.filter(pk=row.pk, due_at=row.due_at).update(
        due_at=now() + timedelta(seconds=seconds), last_error=f"{type(error).__name__}: {error}"[:300]
    )
    write = log.warning if isinstance(error, StripeUnavailableError) else log.error
    write("stripe_errand_put_off", errand=str(row), attempt=row.attempts, seconds=round(seconds), error=str(error))


def pause_before(attempt: int, retry_after: float | None = None) -> float:
    """Seconds until the next try: never sooner than Stripe asked."""
    return max(pause(attempt), retry_after or 0.0)
