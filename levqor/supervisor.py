"""Keeps the Procfile's processes alive: a child that dies is started again, and none outlives the supervisor.

Each child leads its own process group, so that what it forked ends with it. A guard process (`levqor.guard`) holds the
other end of a pipe and cleans up when the supervisor itself is killed. Single-threaded: one selector loop.
"""

import contextlib
import ctypes
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

from honcho.environ import parse_procfile

from levqor import guard
from levqor.parent import Parent

NOT_SUPERVISED = {"release"}
STEADY_SECONDS = 10.0  # a child that lived this long is no crash loop: it comes back at once
WAVE_SECONDS = 3.0  # about what a child needs to start: beginning more than there are cores makes all of them late
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
STOP_GRACE_SECONDS = 15.0
PARENT_SECONDS = 0.5  # between two looks at the parent
SECOND_SIGNAL_SECONDS = 0.7  # `make` and a terminal may both pass one signal on
COLOURS = ("36", "32", "35", "33", "34", "31")
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def read_procfile(path: Path) -> dict[str, str]:
    """The supervised commands of a Procfile by name, in its order; `release` is left out."""
    processes: Mapping[str, str] = parse_procfile(path.read_text()).processes
    return {name: command for name, command in processes.items() if name not in NOT_SUPERVISED}


def port_is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now. Raises `OSError` for a host that is not this machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno in {98, 48}:  # EADDRINUSE on Linux, on macOS
                return False
            raise
    return True


@dataclass
class Child:
    """One supervised process and its history."""

    name: str
    command: str
    process: "subprocess.Popen[bytes] | None" = None
    started_at: float = 0.0
    pause: float = FIRST_PAUSE
    start_at: float = 0.0
    rest: bytes = b""
    stopping_since: float | None = None


@dataclass
class Supervisor:
    """Runs `commands` (name → shell command) until a signal asks it to stop.

    `ready_address` is the (host, port) whose first HTTP answer, to the `Host` `ready_host`, calls `on_ready` once.
    It stops as well when its parent `ends_with` is interrupted or gone.
    """

    commands: Mapping[str, str]
    environment: Mapping[str, str]
    directory: Path
    out: IO[str] = field(default_factory=lambda: sys.stdout)
    ready_address: tuple[str, int] | None = None
    ready_host: str = "localhost"
    on_ready: Callable[[], None] = lambda: None
    stop_grace: float = STOP_GRACE_SECONDS
    ends_with: Parent | None = None

    def __post_init__(self) -> None:
        cores, moment = os.cpu_count() or 1, time.monotonic()
        self._children = [
            Child(name, command, start_at=moment + position // cores * WAVE_SECONDS)
            for position, (name, command) in enumerate(self.commands.items())
        ]
        self._width = max((len(name) for name in self.commands), default=0)
        self._coloured = self.out.isatty() and "NO_COLOR" not in os.environ
        self._selector = selectors.DefaultSelector()
        self._signals: list[tuple[int, float]] = []
        self._stopping_since: float | None = None
        self._killed = False
        self._probe: socket.socket | None = None
        self._probe_at = 0.0
        self._guard: subprocess.Popen[str] | None = None

    # Life of the whole ----------------------------------------------------------------------------------------------
    def run(self) -> int:
        """Supervise until stopped. Returns 0, or 1 when children had to be killed."""
        before = {number: signal.signal(number, self._on_signal) for number in _stop_signals()}
        wake_read, wake_write = socket.socketpair()
        wake_read.setblocking(False)
        wake_write.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        old_wakeup = signal.set_wakeup_fd(wake_write.fileno(), warn_on_full_buffer=False)
        self._selector.register(wake_read, selectors.EVENT_READ, lambda: _drain(wake_read))
        try:
            while self._stopping_since is None or any(child.process for child in self._children):
                self._keep_guard()
                self._start_due()
                self._try_ready()
                for key, _events in self._selector.select(self._patience()):
                    key.data()
                self._heed_parent()
                self._heed_signals()
                self._collect_dead()
                self._enforce_stop()
        finally:
            self._end_all()
            signal.set_wakeup_fd(old_wakeup)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for number, handler in before.items():
                signal.signal(number, handler)
            wake_read.close()
            wake_write.close()
            self._selector.close()
        return int(self._killed)

    def _patience(self) -> float:
        waits = [child.start_at - time.monotonic() for child in self._children if child.process is None]
        if self._stopping_since is not None or self.ready_address is not None:
            waits.append(0.1)
        if self.ends_with is not None:
            waits.append(PARENT_SECONDS)
        return min([5.0, *(max(0.0, wait) for wait in waits)])

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._signals.append((number, time.monotonic()))  # the loop acts on it: a handler must not print

    def _heed_parent(self) -> None:
        if self.ends_with is None or self._stopping_since is not None or self._signals:
            return
        if reason := self.ends_with.ending():
            self.say(reason)
            self._signals.append((signal.SIGTERM, time.monotonic()))

    def _heed_signals(self) -> None:
        while self._signals:
            number, moment = self._signals.pop(0)
            if self._stopping_since is None:
                self._stopping_since = moment
                self.say("Stopping… (Ctrl-C once more to kill)" if number == signal.SIGINT else "Stopping…")
                for child in self._children:
                    self._ask_to_stop(child)
            elif moment - self._stopping_since > SECOND_SIGNAL_SECONDS:
                self.stop_grace = 0.0

    def _enforce_stop(self) -> None:
        if self._stopping_since is None or time.monotonic() - self._stopping_since < self.stop_grace:
            return
        for child in self._children:
            if child.process is not None and child.process.poll() is None:
                self.say(f"{child.name} did not stop in time: killed")
                self._killed = True
                guard.send(child.process.pid, signal.SIGKILL)
                child.process.wait()

    def _end_all(self) -> None:
        """Whatever happened above: nothing is left behind."""
        for child in self._children:
            if child.process is not None:
                guard.send(child.process.pid, signal.SIGKILL)
                child.process.wait()
                self._release(child)
        if self._probe is not None:
            self._probe.close()
        if self._guard is not None and self._guard.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._guard.stdin.close()
            self._guard.wait()

    # One child ------------------------------------------------------------------------------------------------------
    def _start_due(self) -> None:
        for child in self._children:
            if child.process is None and self._stopping_since is None and child.start_at <= time.monotonic():
                self._start(child)

    def _start(self, child: Child) -> None:
        child.process = subprocess.Popen(  # noqa: S603 - the command is this project's own Procfile
            ["/bin/sh", "-c", child.command],
            cwd=self.directory,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=self._introduce,
        )
        child.started_at = time.monotonic()
        stream = child.process.stdout
        assert stream is not None  # noqa: S101 - stdout=PIPE was asked for
        os.set_blocking(stream.fileno(), False)
        self._selector.register(stream, selectors.EVENT_READ, lambda: self._pump(child))

    def _introduce(self) -> None:
        """In the child, before exec: the guard knows of it before it can fork, whenever the supervisor is killed. While
        there is no guard, the kernel ends it with the supervisor."""
        self._tell_guard(f"+{os.getpid()}")
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

    def _ask_to_stop(self, child: Child) -> None:
        """Only the leader is asked: it ends its own workers in good order."""
        if child.process is not None and child.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.process.pid, signal.SIGTERM)

    def _collect_dead(self) -> None:
        for child in self._children:
            if child.process is None or child.process.poll() is None:
                continue
            self._pump(child)
            guard.send(child.process.pid, signal.SIGKILL)  # what it forked and left behind
            code = child.process.returncode
            self._release(child)
            if self._stopping_since is not None:
                continue
            lived = time.monotonic() - child.started_at
            child.pause = FIRST_PAUSE if lived > STEADY_SECONDS else min(child.pause * 2, LONGEST_PAUSE)
            child.start_at = time.monotonic() + child.pause
            self.say(f"{child.name} {_how_it_ended(code)}; starting it again in {child.pause:.1f} s")

    def _release(self, child: Child) -> None:
        process = child.process
        if process is None:
            return
        if process.stdout is not None:
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(process.stdout)
            process.stdout.close()
        if child.rest:
            self._print(child.name, child.rest)
            child.rest = b""
        self._tell_guard(f"-{process.pid}")
        child.process = None

    def _pump(self, child: Child) -> None:
        """Print the whole lines that a child has written."""
        stream = child.process.stdout if child.process else None
        if stream is None or stream.closed:
            return
        while chunk := _read(stream.fileno()):
            *lines, child.rest = (child.rest + chunk).split(b"\n")
            for line in lines:
                self._print(child.name, line)
        if chunk == b"":  # closed by the child
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(stream)

    # Guard ----------------------------------------------------------------------------------------------------------
    def _keep_guard(self) -> None:
        if self._guard is not None and self._guard.poll() is None:
            return
        self._guard = subprocess.Popen(  # noqa: S603 - our own file, our own interpreter
            [sys.executable, "-S", "-E", guard.__file__], stdin=subprocess.PIPE, text=True, start_new_session=True
        )
        for child in self._children:
            if child.process is not None:
                self._tell_guard(f"+{child.process.pid}")

    def _tell_guard(self, line: str) -> None:
        if self._guard is not None and self._guard.stdin is not None:
            with contextlib.suppress(BrokenPipeError, ValueError):  # a dead guard is replaced by the loop
                self._guard.stdin.write(line + "\n")
                self._guard.stdin.flush()

    # Readiness ------------------------------------------------------------------------------------------------------
    def _try_ready(self) -> None:
        """Ask for a page now and then; the first byte of an answer means that the web process serves."""
        if self.ready_address is None or self._probe is not None or time.monotonic() < self._probe_at:
            return
        self._probe_at = time.monotonic() + 0.2
        host, port = self.ready_address
        try:
            probe = socket.create_connection((host, port), timeout=0.2)
            probe.sendall(f"GET /healthz HTTP/1.1\r\nHost: {self.ready_host}\r\nConnection: close\r\n\r\n".encode())
        except OSError:
            return
        self._probe = probe
        probe.setblocking(False)
        self._selector.register(probe, selectors.EVENT_READ, self._hear_answer)

    def _hear_answer(self) -> None:
        probe, self._probe = self._probe, None
        if probe is None:
            return
        self._selector.unregister(probe)
        with probe:
            answered = bool(_read(probe.fileno()))
        if answered:
            self.ready_address = None
            self.on_ready()

    # Words ----------------------------------------------------------------------------------------------------------
    def say(self, text: str) -> None:
        """A line of the supervisor's own."""
        self._print("levqor", text.encode())

    def _print(self, name: str, line: bytes) -> None:
        names = list(self.commands)
        label = f"{name:<{max(self._width, 6)}} |"
        if self._coloured:
            colour = COLOURS[names.index(name) % len(COLOURS)] if name in names else "1"
            label = f"\x1b[{colour}m{label}\x1b[0m"
        with contextlib.suppress(OSError, ValueError):  # a closed terminal must not stop the supervision
            self.out.write(f"{label} {line.decode(errors='replace').rstrip()}\n")
            self.out.flush()


def _stop_signals() -> tuple[signal.Signals, ...]:
    return (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _read(descriptor: int) -> bytes | None:
    """What is there to read: b"" at the end, None when nothing is there now."""
    try:
        return os.read(descriptor, 65536)
    except BlockingIOError:
        return None
    except OSError:
        return b""


def _drain(wake: socket.socket) -> None:
    with contextlib.suppress(BlockingIOError):
        while wake.recv(4096):
            pass


def _how_it_ended(code: int) -> str:
    return f"was killed ({signal.Signals(-code).name})" if code < 0 else f"ended with code {code}"
