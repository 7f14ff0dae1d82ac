"""The sync from end to end: set up, plan, push, follow; what the job, the tick, the command and staff start."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.utils.translation import gettext as _

from apps.core.clock import now
from apps.core.doorbell import heard, ring_once
from apps.core.errors import ConflictError
from apps.core.kinds import NotionSource
from apps.integrations.models import NotionPage, NotionTable
from apps.integrations.notion import connection, following
from apps.integrations.notion.errors import NotionTokenError
from apps.integrations.notion.planning import plan
from apps.integrations.notion.port import Notion
from apps.integrations.notion.provisioning import is_provisioned, provision
from apps.integrations.notion.pushing import push
from apps.integrations.notion.tables import (
    Contributed,
    Direction,
    TableBusyError,
    all_contributed,
    contribution_of,
    due,
    held,
    note_failure,
    note_success,
    row_of,
)

log = structlog.get_logger(__name__)

SYNC_TASK = "integrations.sync_notion"
API_KEYS = "api_keys"  # the one table that goes out once a day, whoever contributes it
NOT_SET_UP = "Notion is not set up: nothing to do"
TICK_LASTS = timedelta(minutes=5)
JOB_LASTS = timedelta(hours=6)  # what is left then is the ticks'
State = NotionPage.State


class SyncFailedError(Exception):
    """Some tables could not be synced; the others were."""


def sync_all(slot: datetime | None = None) -> str:
    """All tables but API keys, in turn, each hour. Without a token nothing is asked.

    Raises `SyncFailedError` at the end where one failed.
    """
    return _each(lambda table: table.name != API_KEYS)


def sync_daily(slot: datetime | None = None) -> str:
    """API keys, whose figures change all the time; and of the tables that we follow, which pages are gone."""
    return _each(lambda table: table.name == API_KEYS or isinstance(table, NotionSource), sweep=True)


def sync_named(*names: str) -> str:
    """These tables alone."""
    return _each(lambda table: table.name in names)


def _each(chosen: Callable[[Contributed], bool], *, sweep: bool = False) -> str:
    if not connection.is_set_up():
        return NOT_SET_UP
    told, failed = [], []
    for direction, table in all_contributed():
        if not chosen(table):
            continue
        row = row_of(direction, table)
        try:
            told.append(f"{table.title}: {sync_table(connection.notion(), row, table, sweep=sweep)}")
        except TableBusyError:
            told.append(f"{table.title}: another worker has it")
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are synced, and this one again
            note_failure(row, error)
            failed.append(f"{table.title}: {type(error).__name__}: {error}")
            if isinstance(error, NotionTokenError):
                break
    if failed:
        raise SyncFailedError("; ".join([*failed, *told]))
    return "; ".join(told) or "no table is contributed"


def sync_table(
    notion: Notion, row: NotionTable, table: Contributed, *, sweep: bool = False, until: datetime | None = None
) -> str:
    """One table, whole. Raises `TableBusyError` and whatever goes wrong."""
    with held(row):
        if not is_provisioned(row, table):
            provision(notion, row, table)
        if isinstance(table, NotionSource):
            outcome = following.follow(notion, row, table, sweep=sweep)
            note_success(row, seen_until=row.seen_until)
            return outcome
        pushed = push(notion, connection.pace(), row, until=until or now() + JOB_LASTS, planned=plan(row, table))
        note_success(row)
        return f"{pushed.rows} rows, {pushed}"


def sync_due() -> int:
    """What waits outside of the job's slots: tables that failed or were ordered, pages that are due again."""
    heard(SYNC_TASK)
    if not connection.is_set_up():
        return 0
    done, until = 0, now() + TICK_LASTS
    for row in due():
        table = contribution_of(row)
        if table is None:
            continue
        done += 1
        try:
            if row.due_at is not None or not row.data_source_id or isinstance(table, NotionSource):
                sync_table(connection.notion(), row, table, until=until)
            else:
                with held(row):
                    push(connection.notion(), connection.pace(), row, until=until)
        except TableBusyError:
            continue
        except Exception as error:  # noqa: BLE001 - it is noted, shown, and tried again
            note_failure(row, error)
    return done


# Orders -------------------------------------------------------------------------------------------------------------
def order_sync(row: NotionTable) -> None:
    """Have a table synced by a worker, soon. Raises `ConflictError` where that can't be."""
    if not connection.is_set_up():
        raise ConflictError(_("Notion is not set up: NOTION_TOKEN and NOTION_PARENT_PAGE are missing."))
    if contribution_of(row) is None:
        raise ConflictError(_("No app keeps this table any more."))
    NotionTable.objects.filter(pk=row.pk).update(due_at=now(), attempts=0)
    ring_once(SYNC_TASK)


def order_table(name: str) -> None:
    """The same by the name that a table is contributed under; where Notion is not set up nothing happens."""
    if connection.is_set_up():
        for direction, table in all_contributed():
            if table.name == name:
                order_sync(row_of(direction, table))


def retry_page(page: NotionPage) -> None:
    """Have a page that failed tried again. Raises `ConflictError` for any other."""
    again = NotionPage.objects.filter(pk=page.pk, state=State.FAILED).update(
        state=State.PENDING, attempts=0, due_at=now(), last_error=""
    )
    if not again:
        raise ConflictError(_("Only a page that failed can be tried again."))
    if page.table.direction == Direction.INBOUND:
        NotionTable.objects.filter(pk=page.table_id).update(due_at=now())
    ring_once(SYNC_TASK)
