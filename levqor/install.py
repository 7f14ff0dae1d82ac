"""Runs pip and tells in one line how far it is; what pip said is shown where it fails.

Runs before anything is installed (`python levqor/install.py requirements/local.txt pip …`) and imports only the
standard library.
"""

import re
import signal
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from types import FrameType
from typing import IO

# What pip writes once for each package, in any of its ways to come by one.
PACKAGE = re.compile(r"(?:Collecting|Processing|Requirement already satisfied:) (\S+).* \(from -r ")
UNPACKING = "Installing collected packages"
TROUBLE = "WARNING: Retrying"  # the network is slow or away: people should see why it takes long
STEP = 20  # packages between two lines where lines can't be replaced
SHOWN_OF_FAILURE = 40
LONGEST_LINE = 118


class Progress:
    """Counts packages: on one line that is replaced at a terminal, on a few lines elsewhere."""

    def __init__(self, total: int, out: IO[str]) -> None:
        self.total, self.out = total, out
        self.seen = 0
        self.last: deque[str] = deque(maxlen=SHOWN_OF_FAILURE)

    def hear(self, line: str) -> None:
        """Take a line of pip's output."""
        self.last.append(line)
        if found := PACKAGE.match(line):
            self.seen += 1
            name = re.split(r"[=<>~!]=|-\d", found[1].rsplit("/", 1)[-1])[0]
            self._tell(f"  {self.seen} of {self.total} packages: {name}", lasting=self.seen % STEP == 0)
        elif line.startswith(UNPACKING):
            self._tell("  unpacking …", lasting=True)
        elif line.startswith(TROUBLE):
            self._tell(f"  {line.removeprefix('WARNING: ')}"[:LONGEST_LINE], lasting=True)

    def _tell(self, text: str, *, lasting: bool) -> None:
        if self.out.isatty():
            self.out.write(f"\r\x1b[2K{text[:78]}")
        elif lasting:
            self.out.write(f"{text}\n")
        self.out.flush()

    def end(self, words: str) -> None:
        """Say how it ended."""
        self.out.write(("\r\x1b[2K" if self.out.isatty() else "") + f"{words}\n")
        self.out.flush()


def install(requirements: Path, command: list[str], out: IO[str]) -> int:
    """Run `command`, which installs `requirements`, and return its exit code."""
    total = len(re.findall(r"^[A-Za-z0-9][^\s=]*==", requirements.read_text(), re.MULTILINE))
    out.write(f"Installing {total} packages; the first time takes a minute or two…\n")
    out.flush()
    progress, began = Progress(total, out), time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")  # noqa: S603 - the Makefile's own command
    stopped: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        stopped.append(number)
        if number != signal.SIGINT:  # a terminal interrupts pip itself
            child.send_signal(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with child:
            assert child.stdout is not None  # noqa: S101 - stdout=PIPE was asked for
            for line in child.stdout:
                progress.hear(line.rstrip())
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if stopped:
        progress.end("Installing was interrupted.")
        return 128 + stopped[0]
    if child.returncode != 0:
        progress.end("\n".join(["Installing failed:", *progress.last]))
        return 1
    progress.end(f"Installed {total} packages ({time.monotonic() - began:.0f} s)")
    return 0


if __name__ == "__main__":
    raise SystemExit(install(Path(sys.argv[1]), [sys.executable, "-m", *sys.argv[2:]], sys.stdout))
