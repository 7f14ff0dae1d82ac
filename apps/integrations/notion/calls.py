"""Calls to Notion from several threads: who may ask when is the pace's to say. No thread here touches the database."""

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from apps.core.clock import now
from apps.integrations.models import NotionPage
from apps.integrations.notion.errors import NotionInTrashError, NotionRateLimitedError, NotionUnavailableError
from apps.integrations.notion.pace import Pace
from apps.integrations.notion.port import PAGE_SIZE, Notion
from apps.integrations.notion.properties import EXTERNAL_ID, named, plain

THREADS = 16

Kind = Literal["find", "create", "update", "archive"]


@dataclass
class Errand:
    """One thing to do at Notion; `rows` is one row, but for looking up several at once.

    Not begun after `until`: the row may be another worker's then.
    """

    kind: Kind
    rows: Sequence[NotionPage]
    until: datetime
    result: Any = None
    error: Exception | None = None

    @property
    def row(self) -> NotionPage:
        """The one."""
        return self.rows[0]


class TooLateError(Exception):
    """The lease ran out before the call was begun: nothing was done."""


@dataclass
class Callers:
    """The threads. `ready` takes errands, `done` gives them back with what became of them."""

    notion: Notion
    pace: Pace
    data_source: str
    ready: "queue.Queue[Errand | None]" = field(default_factory=queue.Queue)
    done: "queue.Queue[Errand]" = field(default_factory=queue.Queue)

    def __enter__(self) -> "Callers":
        self._threads = [
            threading.Thread(target=self._work, name=f"notion-{number}", daemon=True) for number in range(THREADS)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        for _thread in self._threads:
            self.ready.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (errand := self.ready.get()) is not None:
            try:
                errand.result = self._do(errand)
            except Exception as error:  # noqa: BLE001 - whoever takes it back judges it
                errand.error = error
            self.done.put(errand)

    def _do(self, errand: Errand) -> Any:
        row = errand.row
        if errand.kind == "find":
            return self._asked(errand, lambda: self._find(errand.rows))
        if errand.kind == "archive":
            return self._asked(errand, lambda: self.notion.archive_page(row.page_id))
        if errand.kind == "create":
            return self._asked(errand, lambda: self.notion.create_page(self.data_source, row.values).id)
        try:
            self._asked(errand, lambda: self.notion.update_page(row.page_id, row.values))
        except NotionInTrashError:  # somebody threw it away, and it should be there
            self._asked(errand, lambda: self.notion.restore_page(row.page_id))
            self._asked(errand, lambda: self.notion.update_page(row.page_id, row.values))
        return row.page_id

    def _find(self, rows: Sequence[NotionPage]) -> dict[str, list[str]]:
        """The ids of the pages that are there, by external id."""
        found: dict[str, list[str]] = {}
        cursor = None
        while True:
            told = self.notion.query(
                self.data_source, filter=named(row.external_id for row in rows), cursor=cursor, limit=PAGE_SIZE
            )
            for page in told.pages:
                name = plain(page.properties.get(EXTERNAL_ID, {}).get("rich_text"))
                found.setdefault(name, []).append(page.id)
            cursor = told.cursor
            if cursor is None:
                return found

    def _asked(self, errand: Errand, call: Callable[[], Any]) -> Any:
        """In its turn, and only while the row is ours."""
        self.pace.turn()
        if now() >= errand.until:
            raise TooLateError
        try:
            told = call()
        except NotionRateLimitedError as error:
            self.pace.answered(refused=True, retry_after=error.retry_after)
            raise
        except NotionUnavailableError:
            raise
        except Exception:
            self.pace.answered()
            raise
        self.pace.answered()
        return told
