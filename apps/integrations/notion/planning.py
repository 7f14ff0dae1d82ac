"""What should be at Notion, as rows: written in batches, and only where it is not so already."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from django.utils.translation import gettext as _

from apps.core.clock import now
from apps.core.errors import ConflictError
from apps.core.json_values import storable
from apps.core.kinds import NotionDatabase, NotionRow
from apps.integrations.models import NotionPage, NotionTable
from apps.integrations.notion.properties import row_hash, row_properties

BATCH = 250
CHANGED = ("values", "wanted", "maybe_made", "state", "attempts", "due_at", "last_error")
State = NotionPage.State


def plan(table: NotionTable, database: NotionDatabase) -> Iterator[int]:
    """Order what differs: rows that are new or changed, and the end of those that are no more.

    A step for each batch, with the number of rows so far: what is ordered may go out meanwhile. When reading the rows
    fails nothing is ordered to end. Raises `UnfitRowError` and what `rows()` raises.
    """
    seen: set[str] = set()
    rows = iter(database.rows())
    while batch := list(islice(rows, BATCH)):
        ids = [row.external_id for row in batch]
        if len(seen | set(ids)) != len(seen) + len(ids):
            raise ConflictError(_("Two rows of “%(table)s” have the same id.") % {"table": table.title})
        seen.update(ids)
        _order(table, database, batch)
        yield len(seen)
    _end(table, seen)
    yield len(seen)


def _order(table: NotionTable, database: NotionDatabase, batch: list[NotionRow]) -> None:
    ids = [row.external_id for row in batch]
    known = {row.external_id: row for row in table.pages.filter(external_id__in=ids).defer("values")}
    new, changed = [], []
    for row in batch:
        values = storable(row_properties(database.properties, row))
        wanted = row_hash(values)
        page = known.get(row.external_id)
        if page is None:
            new.append(NotionPage(table=table, external_id=row.external_id, values=values, wanted=wanted, due_at=now()))
        elif page.wanted != wanted:
            changed.append(_renewed(page, values, wanted))
    NotionPage.objects.bulk_create(new, ignore_conflicts=True)
    NotionPage.objects.bulk_update(changed, CHANGED, batch_size=BATCH)


def _renewed(page: NotionPage, values: dict[str, Any], wanted: str) -> NotionPage:
    """The page as it should be now. One that is on its way may have arrived, as what it was."""
    page.maybe_made = page.maybe_made or (page.state == State.SENDING and not page.page_id)
    page.values, page.wanted = values, wanted
    page.state, page.attempts, page.due_at, page.last_error = State.PENDING, 0, now(), ""
    return page


def _end(table: NotionTable, seen: set[str]) -> None:
    pages = table.pages.exclude(wanted="").values_list("pk", "external_id")
    gone = [pk for pk, external_id in pages.iterator(chunk_size=2_000) if external_id not in seen]
    for some in _batches(gone):
        rows = NotionPage.objects.filter(pk__in=some)
        rows.filter(state=State.SENDING, page_id="").update(maybe_made=True)
        rows.update(values={}, wanted="", state=State.PENDING, attempts=0, due_at=now(), last_error="")


def _batches(items: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch
