"""Real processes for tests: started in their own group, logged to a file, killed at will, never left behind."""

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parents[2]
SERVERS_PORTS = (20_000, 32_768)  # below those that Linux gives to connections
T = TypeVar("T")


def eventually(look: Callable[[], T], seconds: float, what: str, every: float = 0.1) -> T:
    """The first true answer of `look`. Raises `TimeoutError` naming `what` when none comes in time."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:.0f} s: {what} (last seen: {seen!r})")
        time.sleep(every)


def free_port() -> int:
    """A port that nobody listens on now, and that no connection is given by chance: while a server is down, a client
    that asks for it again and again would at last be connected to itself, and the server could not come back."""
    while True:
        port = random.randrange(*SERVERS_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Program:
    """A command with its log. `start` again after a kill appends to the same log."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self.name, self.command, self.environment = name, list(command), dict(environment)
        self.log = folder / f"{name}.log"
        self.starts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0

    def start(self) -> "Program":
        """Start it, and return at once."""
        assert not self.running
        self.log.touch()
        self._began = self.log.stat().st_size
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.starts += 1
        return self

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def said(self, text: str) -> bool:
        """Whether the log has this text since the last start."""
        with self.log.open("rb") as log:
            log.seek(self._began)
            return text.encode() in log.read()

    def wait_until(self, text: str, seconds: float = 60) -> None:
        """Wait for a text in the log. Raises when the process ends first, or `TimeoutError`."""

        def look() -> bool:
            if self.said(text):
                return True
            assert self.running, f"{self.name} ended early:\n{self.tail()}"
            return False

        eventually(look, seconds, f"{self.name} says {text!r}:\n{self.tail()}", every=0.02)

    def cpu_seconds(self) -> float:
        """The processor time that the processes of its group have used so far."""
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue  # ended meanwhile
            if int(fields[2]) == self.pid:
                ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def signal(self, number: int, *, group: bool = True) -> None:
        """Signal the whole group, or only the process that was started."""
        if self._process is not None and self._process.poll() is None:
            (os.killpg if group else os.kill)(self._process.pid, number)

    def kill(self, *, group: bool = True) -> None:
        """kill -9; returns when the process is gone."""
        self.signal(signal.SIGKILL, group=group)
        self._gone()

    def stop(self) -> None:
        """End it politely, then not; nothing of its group stays."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM, group=False)
        if self._process is not None:
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self.signal(signal.SIGKILL)
            self._gone()

    def _gone(self) -> None:
        if self._process is None:
            return
        self._process.wait(timeout=20)
        try:
            os.killpg(self._process.pid, signal.SIGKILL)  # children that outlived their parent
        except (ProcessLookupError, PermissionError):
            return

    def tail(self, lines: int = 40) -> str:
        """The end of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""
