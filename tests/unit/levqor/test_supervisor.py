"""The supervisor with real, tiny processes. Waiting is bounded polling of what is looked for, never a fixed sleep."""

import contextlib
import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from levqor import guard
from levqor.env import ROOT
from levqor.supervisor import Supervisor, port_is_free, read_procfile

RUNNER = """
import sys
from pathlib import Path
from levqor.parent import Parent
from levqor.supervisor import Supervisor, read_procfile
import os
folder = Path(sys.argv[1])
grace = float(sys.argv[2])
parent = Parent() if "--end-with-parent" in sys.argv else None
procfile = read_procfile(folder / "Procfile")
raise SystemExit(Supervisor(procfile, os.environ, folder, stop_grace=grace, ends_with=parent).run())
"""


def until(look: Callable[[], object], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def running(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # the latter: ended between opening and reading
        return False


def pid_in(path: Path) -> int:
    until(lambda: path.exists() and path.read_text().strip())
    return int(path.read_text())


class Started:
    """A supervisor in its own process, with its output."""

    def __init__(self, folder: Path, procfile: str, grace: float = 10.0, before: str = "") -> None:
        (folder / "Procfile").write_text(procfile)
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", before + RUNNER, str(folder), str(grace)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)

    def said(self, text: str) -> bool:
        return any(text in line for line in list(self.lines))

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(10)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def make(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A make that runs a supervisor; it passes SIGTERM on, but no SIGINT."""
    (tmp_path / "Procfile").write_text("web: echo $$ > child; exec sleep 600\n")
    (tmp_path / "runner.py").write_text(RUNNER)
    (tmp_path / "Makefile").write_text(
        f"run:\n\t@{sys.executable} {tmp_path}/runner.py {tmp_path} 10 --end-with-parent\n"
    )
    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen(
            ["make", "-f", str(tmp_path / "Makefile")],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    yield process
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_to_make_alone_ends_everything(
    make: "subprocess.Popen[bytes]", tmp_path: Path, number: signal.Signals
) -> None:
    child = pid_in(tmp_path / "child")
    (supervisor,) = (int(pid) for pid in Path(f"/proc/{make.pid}/task/{make.pid}/children").read_text().split())
    make.send_signal(number)
    until(lambda: not running(child) and not running(supervisor))
    make.wait(10)
    reason = {signal.SIGTERM: "Stopping…", signal.SIGKILL: "is gone."}.get(
        number, f"What started this got {number.name}."
    )
    assert reason in (tmp_path / "said").read_text()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Started]]:
    started: list[Started] = []

    def begin(procfile: str, grace: float = 10.0, before: str = "") -> Started:
        started.append(Started(tmp_path, procfile, grace, before))
        return started[-1]

    yield begin
    for item in started:
        item.close()


def test_a_child_that_dies_is_started_again_and_said(start: Callable[..., Started], tmp_path: Path) -> None:
    supervisor = start("web: echo $$ > pid; echo hello; exec sleep 600\n")
    first = pid_in(tmp_path / "pid")
    until(lambda: supervisor.said("web    | hello"))
    (tmp_path / "pid").unlink()
    os.kill(first, signal.SIGKILL)
    assert pid_in(tmp_path / "pid") != first
    assert supervisor.said("web was killed (SIGKILL); starting it again")


def test_stopping_ends_children_and_grandchildren(start: Callable[..., Started], tmp_path: Path) -> None:
    supervisor = start("web: sleep 600 & echo $! > grandchild; echo $$ > child; exec sleep 600\n")
    child, grandchild = pid_in(tmp_path / "child"), pid_in(tmp_path / "grandchild")
    supervisor.process.send_signal(signal.SIGTERM)
    assert supervisor.process.wait(10) == 0
    until(lambda: not running(child) and not running(grandchild))


def test_kill_9_of_the_supervisor_leaves_nothing(start: Callable[..., Started], tmp_path: Path) -> None:
    supervisor = start("web: sleep 600 & echo $! > grandchild; echo $$ > child; exec sleep 600\n")
    child, grandchild = pid_in(tmp_path / "child"), pid_in(tmp_path / "grandchild")
    supervisor.process.kill()
    until(lambda: not running(child) and not running(grandchild))


KILLED_AT_ONCE = """
import os, signal, subprocess, time
from pathlib import Path

class Popen(subprocess.Popen):
    def __init__(self, command, **options):
        super().__init__(command, **options)
        if command[0] == "/bin/sh":
            while not Path(options["cwd"], "grandchild").exists():
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGKILL)

subprocess.Popen = Popen
"""


def test_kill_9_right_after_a_start_leaves_nothing(start: Callable[..., Started], tmp_path: Path) -> None:
    """What a child forks before the supervisor's next line ends with it, too."""
    words = "web: echo $$ > child; sleep 600 & echo $! > new; mv new grandchild; exec sleep 600\n"
    start(words, before=KILLED_AT_ONCE)
    child, grandchild = pid_in(tmp_path / "child"), pid_in(tmp_path / "grandchild")
    until(lambda: not running(child) and not running(grandchild))


def test_a_second_interrupt_kills_what_will_not_stop(start: Callable[..., Started], tmp_path: Path) -> None:
    supervisor = start("web: trap '' TERM; echo $$ > child; while :; do sleep 0.1; done\n", 600.0)
    child = pid_in(tmp_path / "child")
    supervisor.process.send_signal(signal.SIGINT)
    until(lambda: supervisor.said("once more to kill"))
    assert running(child)

    def interrupted() -> bool:
        if not supervisor.said("did not stop in time: killed"):
            supervisor.process.send_signal(signal.SIGINT)  # those right after the first count as one with it
        return supervisor.process.poll() is not None

    until(interrupted)
    assert supervisor.process.wait(10) in (1, -signal.SIGINT)  # one more may have met it on its way out
    assert not running(child)


def test_what_ignores_the_request_is_killed_after_the_grace(start: Callable[..., Started], tmp_path: Path) -> None:
    supervisor = start("web: trap '' TERM; echo $$ > child; while :; do sleep 0.1; done\n", 0.3)
    child = pid_in(tmp_path / "child")
    supervisor.process.terminate()
    assert supervisor.process.wait(10) == 1
    assert not running(child)
    assert supervisor.said("web did not stop in time: killed")


def test_a_dead_guard_is_replaced(start: Callable[..., Started], tmp_path: Path) -> None:
    supervisor = start("web: echo $$ > child; exec sleep 600\n")
    child = pid_in(tmp_path / "child")

    def guards() -> list[int]:
        kids = Path(f"/proc/{supervisor.process.pid}/task/{supervisor.process.pid}/children").read_text().split()
        return [int(pid) for pid in kids if int(pid) != child and running(int(pid))]

    until(guards)
    (first,) = guards()
    os.kill(first, signal.SIGKILL)
    until(lambda: guards() and guards() != [first])
    supervisor.process.kill()
    until(lambda: not running(child))


def test_readiness_is_told_once_the_port_answers(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "server.py").write_text(
        "import http.server, sys\n"
        "class H(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        self.send_response(200); self.end_headers()\n"
        "    def log_message(self, *a): pass\n"
        "http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), H).serve_forever()\n"
    )
    out = io.StringIO()
    told: list[int] = []

    def ready() -> None:
        told.append(port)
        os.kill(os.getpid(), signal.SIGTERM)

    supervisor = Supervisor(
        {"web": f"exec {sys.executable} server.py {port}"},
        os.environ,
        tmp_path,
        out=out,
        ready_address=("127.0.0.1", port),
        on_ready=ready,
    )
    assert supervisor.run() == 0
    assert told == [port]
    assert "Stopping" in out.getvalue()


def test_port_is_free() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert not port_is_free("127.0.0.1", port)
    assert port_is_free("127.0.0.1", port)


def test_the_procfile_names_what_is_kept_alive() -> None:
    assert list(read_procfile(ROOT / "Procfile")) == ["web", "worker", "beat", "stripe_fake", "watchdog"]


def test_the_guard_knows_which_groups_are_left() -> None:
    assert guard.follow(["+100\n", "+200\n", "-100\n", "+1\n", "nonsense\n"]) == {200}
