"""The tables that apps contribute, as rows: whose turn it is, and how it went."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Count, Min, Q, QuerySet

from apps.core.backoff import pause
from apps.core.clock import now
from apps.core.keeping import kept_alive
from apps.core.kinds import NotionDatabase, NotionSource
from apps.core.registry import registry
from apps.core.scrubbing import scrub
from apps.integrations.models import NotionPage, NotionTable
from apps.integrations.notion.errors import NotionMissingError

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=120)
HEARTBEAT_SECONDS = 20.0
FIRST_PAUSE = 60.0
Direction, State = NotionTable.Direction, NotionTable.State
Contributed = NotionDatabase | NotionSource
WAITING = (NotionPage.State.PENDING, NotionPage.State.SENDING)


class TableBusyError(Exception):
    """Another worker has the table."""


def contributed(direction: str) -> list[Contributed]:
    """What apps contribute of a direction."""
    kind: Any = NotionDatabase if direction == Direction.OUTBOUND else NotionSource
    return list(registry(kind).all())


def all_contributed() -> list[tuple[str, Contributed]]:
    """(direction, contribution) of all: those that we write, then those that we follow."""
    return [(str(one), table) for one in Direction for table in contributed(one)]


def row_of(direction: str, table: Contributed) -> NotionTable:
    """The row of a contribution, made where there is none."""
    with transaction.atomic():
        row, _made = NotionTable.objects.get_or_create(
            direction=direction, name=table.name, defaults={"title": table.title}
        )
    return row


def contribution_of(row: NotionTable) -> Contributed | None:
    """What the row stands for; None where no app contributes it any more."""
    kind: Any = NotionDatabase if row.direction == Direction.OUTBOUND else NotionSource
    found: Contributed | None = registry(kind).find(row.name)
    return found


@contextmanager
def held(row: NotionTable) -> Iterator[None]:
    """The table is this worker's inside the block, however long it takes. Raises `TableBusyError`."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lte=now())
    until = now() + LEASE
    if not NotionTable.objects.filter(free, pk=row.pk).update(lease_until=until):
        raise TableBusyError
    row.refresh_from_db()

    def renew() -> bool:
        later = now() + LEASE
        mine = NotionTable.objects.filter(pk=row.pk, lease_until=row.lease_until).update(lease_until=later)
        row.lease_until = later
        return bool(mine)

    try:
        with kept_alive(renew, HEARTBEAT_SECONDS):
            yield
    finally:
        NotionTable.objects.filter(pk=row.pk, lease_until=row.lease_until).update(lease_until=None)


def note_success(row: NotionTable, **values: Any) -> None:
    """All is there."""
    NotionTable.objects.filter(pk=row.pk).update(
        state=State.READY, attempts=0, due_at=None, last_error="", synced_at=now(), **values
    )


def note_failure(row: NotionTable, error: Exception) -> None:
    """It is tried again later. A table that is gone is set up anew then."""
    attempts = row.attempts + 1
    due_at = now() + timedelta(seconds=pause(attempts, first=FIRST_PAUSE))
    words = scrub(f"{type(error).__name__}: {error}")[:500]
    gone = {"columns_hash": ""} if isinstance(error, NotionMissingError) else {}
    NotionTable.objects.filter(pk=row.pk).update(
        state=State.FAILED, attempts=attempts, due_at=due_at, last_error=words, **gone
    )
    log.warning("notion_table_put_off", table=row.name, attempt=attempts, error=words)


def due() -> QuerySet[NotionTable]:
    """Tables with something to do before their job's next slot: a failed sync, or pages that wait."""
    moment = now()
    waiting = Q(direction=Direction.OUTBOUND, pages__state__in=WAITING, pages__due_at__lte=moment, due_at__isnull=True)
    return NotionTable.objects.filter(Q(due_at__lte=moment) | waiting).distinct()


def backlog() -> dict[str, Any]:
    """For health and the first page of the administration."""
    pages = NotionPage.objects.aggregate(
        failed=Count("pk", filter=Q(state=NotionPage.State.FAILED)),
        waiting=Count("pk", filter=Q(state__in=WAITING)),
        oldest=Min("due_at", filter=Q(state__in=WAITING)),
    )
    return {**pages, "tables": NotionTable.objects.filter(state=State.FAILED).count()}
