"""What a job writes to the log while it runs, kept with its run: the newest lines, without secrets."""

import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from apps.core.scrubbing import scrub

MOST_LINES = 300
MOST_CHARACTERS = 30_000
LONGEST_LINE = 1_000


class RunLog:
    """The newest lines of one run. Written by the run's thread, read by the one that keeps its lease."""

    def __init__(self, before: str = "") -> None:
        self._lines: deque[str] = deque(before.splitlines(), maxlen=MOST_LINES)

    def add(self, text: str) -> None:
        """An entry of one or more lines."""
        for line in scrub(text).replace("\0", "�").splitlines():
            self._lines.append(line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…")

    @property
    def text(self) -> str:
        """All lines that are kept, at most so many characters of them."""
        lines, room = [], MOST_CHARACTERS
        for line in reversed(tuple(self._lines)):
            room -= len(line) + 1
            if room < 0:
                break
            lines.append(line)
        return "\n".join(reversed(lines))


_running: ContextVar[RunLog | None] = ContextVar("running_job_log", default=None)


@contextmanager
def kept(log: RunLog) -> Iterator[None]:
    """What this context logs inside of the block is kept; what other threads log is theirs."""
    token = _running.set(log)
    try:
        yield
    finally:
        _running.reset(token)


class JobLogHandler(logging.Handler):
    """Passes what is logged in a job's run on to its `RunLog`."""

    def emit(self, record: logging.LogRecord) -> None:
        """Logging's hook."""
        log = _running.get()
        if log is not None:
            try:
                log.add(self.format(record))
            except Exception:  # noqa: BLE001 - logging's own way: a line that can't be formatted ends no job
                self.handleError(record)
