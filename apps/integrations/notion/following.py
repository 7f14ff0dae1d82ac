"""Following tables that people write at Notion: what changed since the last look, and what is gone.

Notion rounds the time of a change down to the minute, so a look begins a little before the latest change that is known,
and what is the same as before is not told again. One page that can't be received keeps no other from it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import structlog
from django.db import transaction

from apps.core.backoff import pause
from apps.core.clock import now
from apps.core.kinds import NotionSource
from apps.integrations.models import NotionPage, NotionTable
from apps.integrations.notion.errors import NotionMissingError
from apps.integrations.notion.markdown import read_markdown
from apps.integrations.notion.objects import Page, WrittenPage
from apps.integrations.notion.patience import patiently
from apps.integrations.notion.port import Notion
from apps.integrations.notion.properties import digest, values_of

log = structlog.get_logger(__name__)

OVERLAP = timedelta(minutes=2)
MAX_ATTEMPTS = 8
FIRST_PAUSE = 60.0
BY_CHANGE = ({"timestamp": "last_edited_time", "direction": "ascending"},)
State = NotionPage.State


def follow(notion: Notion, table: NotionTable, source: NotionSource, *, sweep: bool = False) -> str:
    """Receive what changed, then what failed before and is due; with `sweep` forget what is gone. Returns an outcome.

    The caller holds the table, and stores its `seen_until`.
    """
    since = table.seen_until - OVERLAP if table.seen_until and not sweep else None
    received, looked_at = 0, set()
    for page in _changed(notion, table, since):
        looked_at.add(page.id)
        table.seen_until = max(table.seen_until or page.edited_at, page.edited_at)
        received += _look_at(notion, table, source, page)
    for row in table.pages.filter(state=State.PENDING, due_at__lte=now()).exclude(page_id__in=looked_at):
        received += _again(notion, table, source, row)
    forgotten = _forget_gone(notion, table, source, looked_at) if sweep else 0
    return f"{received} pages received, {forgotten} forgotten"


def _changed(notion: Notion, table: NotionTable, since: datetime | None) -> Iterator[Page]:
    """Pages that were changed since then, the earliest change first; all of them without."""
    on = {"timestamp": "last_edited_time", "last_edited_time": {"on_or_after": since.isoformat()}} if since else None
    cursor: str | None = None
    while True:
        at = cursor
        told = patiently(lambda: notion.query(table.data_source_id, filter=on, sorts=BY_CHANGE, cursor=at))  # noqa: B023
        yield from told.pages
        cursor = told.cursor
        if cursor is None:
            return


def _look_at(notion: Notion, table: NotionTable, source: NotionSource, page: Page) -> bool:
    """Receive a page unless it is as we know it. Whether it was received."""
    row = table.pages.filter(external_id=page.id).first()
    if row is None:
        row = NotionPage(table=table, external_id=page.id, page_id=page.id, due_at=now())
    elif _is_known(row, page):
        return False
    try:
        moment = now()
        text = read_markdown(lambda block: patiently(lambda: list(notion.blocks(block))), page.id)
        written = WrittenPage(page.id, page.url, page.edited_at, values_of(page.properties), text)
        content = digest([written.values, written.markdown, written.url])
        with transaction.atomic():
            if is_new := content != row.present or row.state != State.SYNCED:
                source.receive(written)
            row.wanted = row.present = content
            row.state, row.attempts, row.last_error, row.synced_at, row.due_at = State.SYNCED, 0, "", moment, moment
            row.save()
        return is_new
    except Exception as error:  # noqa: BLE001 - noted with the page, shown to staff, tried again
        _put_off(row, error)
        return False


def _is_known(row: NotionPage, page: Page) -> bool:
    """Whether nothing can have happened since we read it (its last minute was over by then), or it has its own turn."""
    if row.state == State.PENDING:
        return row.due_at > now()
    read_at = row.due_at if row.state == State.FAILED else row.synced_at
    return read_at is not None and page.edited_at + OVERLAP <= read_at


def _put_off(row: NotionPage, error: Exception) -> None:
    row.attempts += 1
    row.state = State.PENDING if row.attempts < MAX_ATTEMPTS else State.FAILED
    wait = pause(row.attempts, first=FIRST_PAUSE) if row.state == State.PENDING else 0.0
    row.due_at = now() + timedelta(seconds=wait)
    row.last_error = f"{type(error).__name__}: {error}"[:300]
    row.save()
    log.warning("notion_page_not_received", page=row.page_id, attempt=row.attempts, error=row.last_error)


def _again(notion: Notion, table: NotionTable, source: NotionSource, row: NotionPage) -> bool:
    page = _page_of(notion, table, row)
    if page is None:
        _forget(source, row)
        return False
    return _look_at(notion, table, source, page)


def _forget_gone(notion: Notion, table: NotionTable, source: NotionSource, there: set[str]) -> int:
    """A listing may be short of pages: each that was not in it is asked for before it is forgotten."""
    forgotten = 0
    rows = table.pages.only("pk", "external_id", "page_id", "table")
    for row in [row for row in rows.iterator() if row.external_id not in there]:
        if _page_of(notion, table, row) is None:
            _forget(source, row)
            forgotten += 1
    return forgotten


def _page_of(notion: Notion, table: NotionTable, row: NotionPage) -> Page | None:
    """None where it is not in the table any more. Raises `NotionMissingError` where that is gone too: a page that is
    not shared with us is told like one that is gone."""
    try:
        page = patiently(lambda: notion.page(row.page_id))
    except NotionMissingError:
        patiently(lambda: notion.data_source(table.data_source_id))
        return None
    return None if page.in_trash or page.table != table.data_source_id else page


def _forget(source: NotionSource, row: NotionPage) -> None:
    with transaction.atomic():
        source.forget(row.external_id)
        row.delete()
