"""Doing what is ordered: the pages of one table, in one worker, from several threads.

A page that may have been created without our knowing (no answer, an answer that is none, a worker that died) is looked
for by its external id before it is created again. The database has every page of a batch as *on its way* before the
first of them is sent, so that nobody has to have survived to know that.
"""

import heapq
import queue
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Case, CharField, F, Q, Value, When

from apps.core.backoff import pause
from apps.core.clock import now
from apps.core.scrubbing import scrub
from apps.integrations.models import NotionPage, NotionTable
from apps.integrations.notion.calls import Callers, Errand, TooLateError
from apps.integrations.notion.errors import (
    NotionMissingError,
    NotionRateLimitedError,
    NotionRefusedError,
    NotionTokenError,
    NotionUnavailableError,
)
from apps.integrations.notion.pace import Pace
from apps.integrations.notion.port import Notion

log = structlog.get_logger(__name__)

State = NotionPage.State
BATCH, LEFT_OVER = 100, 80  # so many rows are claimed when so few are left to send
LOOKED_UP = 50  # rows in one query
NOTED = 100  # results that are written down together
ROW_LEASE, SENDING_TAKES = timedelta(minutes=5), timedelta(seconds=60)
SETTLES = timedelta(seconds=3)  # what was just created may take a moment to be found
SOON = timedelta(seconds=10)  # what is due so soon is waited for
LOOK_AGAIN = 0.4  # seconds between looks at what became due: together, so that it is looked up together
MAX_ATTEMPTS = 12
FIRST_PAUSE = 2.0
FIELDS = ("page_id", "maybe_made", "state", "attempts", "due_at", "last_error")


@dataclass
class Pushed:
    """What was done."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    archived: int = 0
    found: int = 0
    refused: int = 0
    put_off: int = 0
    failed: int = 0

    def __str__(self) -> str:
        said = {name: value for name, value in vars(self).items() if value and name != "rows"}
        return ", ".join(f"{value} {name.replace('_', ' ')}" for name, value in said.items()) or "nothing to do"


def push(
    notion: Notion, pace: Pace, table: NotionTable, *, until: datetime | None = None, planned: Iterable[int] = ()
) -> Pushed:
    """Bring what waits to Notion until nothing is due, or `until`. The caller holds the table.

    `planned` orders more while this goes on, step by step. Raises `NotionTokenError` where the token is not taken,
    `NotionMissingError` where the table is gone, and what planning raises.
    """
    with Callers(notion, pace, table.data_source_id) as callers:
        return _Push(table, callers, until, iter(planned)).run()


@dataclass
class _Push:
    table: NotionTable
    callers: Callers
    until: datetime | None
    planned: Iterator[int]
    pushed: Pushed = field(default_factory=Pushed)

    def __post_init__(self) -> None:
        self._out = 0  # errands with the threads
        self._later: list[tuple[float, int, Errand]] = []  # those that wait as long as they were told to
        self._order = count()
        self._found_now: set[int] = set()  # rows whose page the database does not know yet
        self._made: list[NotionPage] = []  # what is there now, at a page that we did not know
        self._same: list[NotionPage] = []  # what is there now, where it was
        self._results: list[NotionPage] = []  # what is not there
        self._ended: list[NotionPage] = []
        self._stopped: Exception | None = None
        self._empty_until = 0.0  # before then nothing more is due

    def run(self) -> Pushed:
        try:
            while self._go_on():
                self._take_back()
                self._send_later_ones()
        finally:
            self._give_back()
            self._note()
        if self._stopped:
            raise self._stopped
        return self.pushed

    # Sending ----------------------------------------------------------------------------------------------------------
    def _go_on(self) -> bool:
        """Fetch more to do where little is left. False when all is done."""
        if self._wants_more():
            rows = self._claim()
            more = len(rows) == BATCH or self._plan()
            self._empty_until = 0.0 if more else time.monotonic() + LOOK_AGAIN
            self._send(rows)
        if self._out or (self._later and self._stopped is None):
            return True
        if self._stopped or self._is_over():
            return False
        if not self._empty_until:
            return True
        self._note()  # what was put off a moment ago is due soon
        waiting = self.table.pages.filter(state__in=(State.PENDING, State.SENDING), due_at__lte=now() + SOON)
        if not waiting.exists():
            return False
        time.sleep(LOOK_AGAIN / 5)
        return True

    def _plan(self) -> bool:
        """One step. Whether there may be more."""
        try:
            rows = next(self.planned, None)
        except Exception as error:  # noqa: BLE001 - what is on its way comes back first
            self._stopped = self._stopped or error
            self._give_back()
            return False
        self.pushed.rows = self.pushed.rows if rows is None else rows
        return rows is not None

    def _wants_more(self) -> bool:
        few = self.callers.ready.qsize() < LEFT_OVER
        return few and self._stopped is None and time.monotonic() >= self._empty_until and not self._is_over()

    def _is_over(self) -> bool:
        return self.until is not None and now() >= self.until

    def _claim(self) -> list[NotionPage]:
        """Rows that are due, as on their way. Those whose worker died on the way may have arrived."""
        moment = now()
        with transaction.atomic():
            due = self.table.pages.filter(Q(state=State.PENDING) | Q(state=State.SENDING), due_at__lte=moment)
            rows = list(due.select_for_update(no_key=True).order_by("due_at", "pk")[:BATCH])
            if not rows:
                return []
            lost = [row for row in rows if row.state == State.SENDING and not row.page_id]
            ours = NotionPage.objects.filter(pk__in=[row.pk for row in rows])
            ours.update(state=State.SENDING, due_at=moment + ROW_LEASE)
            if lost:
                ours.filter(pk__in=[row.pk for row in lost]).update(maybe_made=True)
        for row in rows:
            row.state, row.due_at = State.SENDING, moment + ROW_LEASE
        for row in lost:
            row.maybe_made = True
        return rows

    def _send(self, rows: Iterable[NotionPage]) -> None:
        unsure = []
        for row in rows:
            if row.maybe_made and not row.page_id:
                unsure.append(row)
            else:
                self._send_known(row)
        for at in range(0, len(unsure), LOOKED_UP):
            self._put(Errand("find", unsure[at : at + LOOKED_UP], _until(unsure[at])))

    def _send_known(self, row: NotionPage) -> None:
        """One of which we know whether it is there."""
        if row.wanted:
            self._put(Errand("update" if row.page_id else "create", [row], _until(row)))
        elif row.page_id:
            self._put(Errand("archive", [row], _until(row)))
        else:
            self._ended.append(row)

    def _put(self, errand: Errand) -> None:
        self._out += 1
        self.callers.ready.put(errand)

    def _send_later_ones(self) -> None:
        while self._later and (self._later[0][0] <= time.monotonic() or self._stopped):
            errand = heapq.heappop(self._later)[2]
            if self._stopped:
                self._put_off(errand.rows, "")
            else:
                self._put(errand)

    # What became of it ------------------------------------------------------------------------------------------------
    def _take_back(self) -> None:
        try:
            self._judge(self.callers.done.get(timeout=0.05))
            while True:
                self._judge(self.callers.done.get_nowait())
        except queue.Empty:
            pass
        if len(self._made) + len(self._same) + len(self._results) + len(self._ended) >= NOTED:
            self._note()

    def _judge(self, errand: Errand) -> None:
        self._out -= 1
        error, errand.error = errand.error, None
        if error is None:
            self._succeeded(errand)
        elif isinstance(error, NotionRateLimitedError):
            self.pushed.refused += 1
            self._wait(errand, error)
        elif isinstance(error, TooLateError):
            self._put_off(errand.rows, "")
        elif isinstance(error, NotionTokenError):
            self._stop(errand, error)
        elif isinstance(error, NotionMissingError):
            self._missing(errand, error)
        elif isinstance(error, NotionUnavailableError):
            self._unanswered(errand, error)
        elif isinstance(error, NotionRefusedError):
            self._fail(errand.rows, f"{error.notion_code}: {error.detail}")
        else:
            log.error("notion_errand_broke", table=self.table.name, kind=errand.kind, exc_info=error)
            self._unanswered(errand, NotionUnavailableError(f"{type(error).__name__}: {error}", ambiguous=True))

    def _succeeded(self, errand: Errand) -> None:
        if errand.kind == "find":
            self._found(errand)
        elif errand.kind == "archive":
            self.pushed.archived += 1
            self._ended.append(errand.row)
        else:
            self.pushed.created += errand.kind == "create"
            self.pushed.updated += errand.kind == "update"
            self._synced(errand.row, errand.result)

    def _found(self, errand: Errand) -> None:
        """Go on with what is there. Should one be there twice, the later ones go."""
        for row in errand.rows:
            pages = errand.result.get(row.external_id, [])
            row.maybe_made = False
            row.page_id = pages[0] if pages else ""
            if pages:
                self.pushed.found += 1
                self._found_now.add(row.pk)
            for twice in pages[1:]:
                self._put(Errand("archive", [_stand_in(row, twice)], _until(row)))
            self._send_known(row)

    def _synced(self, row: NotionPage, page: str) -> None:
        is_known = row.page_id == page and row.pk not in self._found_now
        row.page_id, row.state = page, State.SYNCED
        (self._same if is_known else self._made).append(row)

    def _wait(self, errand: Errand, error: NotionRateLimitedError) -> None:
        """It is made again when Notion said, no sooner; a row that would wait too long is put down."""
        if now() + timedelta(seconds=error.retry_after) >= errand.until or self._stopped:
            self._put_off(errand.rows, "", after=error.retry_after)
        else:
            at = time.monotonic() + error.retry_after
            heapq.heappush(self._later, (at, next(self._order), errand))

    def _missing(self, errand: Errand, error: NotionMissingError) -> None:
        """A page that is not shared with us just now is told like one that is gone: what the table says counts."""
        row = errand.rows[0]
        if errand.kind in ("create", "find"):
            self._stop(errand, error)  # it is the table that is gone, or not shared
        elif row.pk is None:
            self._ended.append(row)
        elif row.pk in self._found_now:
            self._unanswered(errand, NotionUnavailableError("Its table has it, but it can't be had."))
        else:
            row.page_id, row.maybe_made = "", True
            self._send([row])

    def _unanswered(self, errand: Errand, error: NotionUnavailableError) -> None:
        if errand.kind == "create" and error.ambiguous:
            errand.row.maybe_made = True
        for row in errand.rows:
            row.attempts += 1
        tired = [row for row in errand.rows if row.attempts >= MAX_ATTEMPTS]
        self._fail(tired, str(error.detail))
        self._put_off([row for row in errand.rows if row not in tired], str(error.detail), after=error.retry_after)

    def _put_off(self, rows: Iterable[NotionPage], why: str, after: float = 0.0) -> None:
        for row in _real(rows):
            wait = max(pause(row.attempts, first=FIRST_PAUSE) if row.attempts else 0.0, after)
            if row.maybe_made:
                wait = max(wait, SETTLES.total_seconds())
            row.state, row.due_at = State.PENDING, now() + timedelta(seconds=wait)
            row.last_error = scrub(why)[:300]
            self.pushed.put_off += 1
            self._results.append(row)

    def _fail(self, rows: Iterable[NotionPage], why: str) -> None:
        for row in _real(rows):
            row.state, row.last_error = State.FAILED, scrub(why)[:300]
            self.pushed.failed += 1
            self._results.append(row)
            log.error("notion_page_failed", table=self.table.name, row=row.external_id, error=row.last_error)

    def _stop(self, errand: Errand, error: Exception) -> None:
        """Nothing more can be done now: what is with the threads comes back, the rest is put down."""
        self._stopped = self._stopped or error
        self._put_off(errand.rows, "")
        self._give_back()

    def _give_back(self) -> None:
        """Take from the threads what they did not begin."""
        try:
            while True:
                errand = self.callers.ready.get_nowait()
                if errand is not None:
                    self._out -= 1
                    self._put_off(errand.rows, "")
        except queue.Empty:
            pass

    def _note(self) -> None:
        """Write down what is known, in one statement for all that are alike."""
        made, same, results, ended = self._made, self._same, self._results, self._ended
        self._made, self._same, self._results, self._ended = [], [], [], []
        if same:
            _note_synced(same)
        if made:
            pages = [When(pk=row.pk, then=Value(row.page_id)) for row in made]
            _note_synced(made, page_id=Case(*pages, output_field=CharField()))
        if results:
            NotionPage.objects.bulk_update(results, FIELDS)
        if ended:
            NotionPage.objects.filter(pk__in=[row.pk for row in _real(ended)], wanted="").delete()


def _note_synced(rows: list[NotionPage], **more: Any) -> None:
    """By far the most: what is the same for all of them is said once."""
    moment, known = now(), {"present": F("wanted"), "values": {}, "maybe_made": False, "attempts": 0, "last_error": ""}
    ours = NotionPage.objects.filter(pk__in=[row.pk for row in rows])
    ours.update(state=State.SYNCED, due_at=moment, synced_at=moment, **known, **more)


def _until(row: NotionPage) -> datetime:
    return row.due_at - SENDING_TAKES


def _stand_in(row: NotionPage, page: str) -> NotionPage:
    """For a page that no row stands for."""
    return NotionPage(table_id=row.table_id, external_id=row.external_id, page_id=page, due_at=row.due_at)


def _real(rows: Iterable[NotionPage]) -> list[Any]:
    return [row for row in rows if row.pk is not None]
