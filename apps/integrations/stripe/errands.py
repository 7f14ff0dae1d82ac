"""Errands to Stripe: rows that order something there. Each is done with its own idempotency key, outside of any
transaction; killed in between, it is done once more under the same key.

Such rows have `attempts`, `due_at` and `last_error`. Who takes one moves its `due_at`: its lease and its fence.
"""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import structlog
from django.db import models, transaction

from apps.core.clock import now
from apps.core.locking import claim_next
from apps.integrations.stripe.errors import StripeRefusedError, StripeUnavailableError

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=90)  # longer than the gateway waits for an answer, with its own repetitions
LONGEST_PAUSE = 3600.0
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
            result = go(row)
        except StripeUnavailableError as error:
            _put_off(row, error)
        except StripeRefusedError as error:
            _note(row, first, lambda fresh, error=error: refused(fresh, error))  # type: ignore[misc]
        else:
            _note(row, first, lambda fresh, result=result: done(fresh, result))  # type: ignore[misc]
    return limit


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


def _put_off(row: Any, error: StripeUnavailableError) -> None:
    pause = pause_before(row.attempts, error.extra.get("retry_after"))
    type(row)._base_manager.filter(pk=row.pk, due_at=row.due_at).update(
        due_at=now() + timedelta(seconds=pause), last_error=str(error)[:300]
    )
    log.warning("stripe_errand_put_off", errand=str(row), attempt=row.attempts, seconds=round(pause), error=str(error))


def pause_before(attempt: int, retry_after: float | None = None) -> float:
    """Seconds until the next try: jitter, doubling from 2 s to an hour; never sooner than Stripe asked."""
    pause = random.uniform(0.5, 1.0) * min(2.0**attempt, LONGEST_PAUSE)  # noqa: S311 - jitter, not a secret
    return max(pause, retry_after or 0.0)
