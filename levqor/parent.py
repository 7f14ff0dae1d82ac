"""Ending with the process that started this one.

`make` passes SIGTERM on to what it runs, but neither SIGINT nor SIGHUP: a terminal sends these to all of its processes,
a script only to make, which then waits for its child while the signal is blocked. Where the system tells what is
blocked, we see it. What was blocked from the start, as whoever started make left it, says nothing; nor does what is
blocked for a moment, as while a process starts another one.
"""

import os
import re
import signal
import time
from pathlib import Path

LASTS_SECONDS = 0.5
_SIGNALS = (signal.SIGINT, signal.SIGHUP)
_BLOCKED = re.compile(r"^SigBlk:\s*([0-9a-f]+)$", re.MULTILINE)


def _blocked(process: int) -> set[signal.Signals]:
    try:
        found = _BLOCKED.search(Path(f"/proc/{process}/status").read_text())
    except OSError:  # no such thing on macOS
        return set()
    mask = int(found[1], 16) if found else 0
    return {number for number in _SIGNALS if mask & 1 << (number - 1)}


class Parent:
    """The process that started this one, compared with how it was when this object was made: make it early."""

    def __init__(self) -> None:
        self._pid = os.getppid()
        self._blocked_before = _blocked(self._pid)
        self._seen_since: float | None = None

    def ending(self) -> str:
        """A sentence on why it ends: it is gone, or handles a signal and waits for us. Empty while it does not."""
        if os.getppid() != self._pid:
            return "What started this is gone."
        handled = sorted(number.name for number in _blocked(self._pid) - self._blocked_before)
        if not handled:
            self._seen_since = None
            return ""
        self._seen_since = self._seen_since or time.monotonic()
        lasting = time.monotonic() - self._seen_since >= LASTS_SECONDS
        return f"What started this got {' and '.join(handled)}." if lasting else ""
