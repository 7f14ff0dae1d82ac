"""What people see while pip installs."""

import io
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from levqor.env import ROOT
from levqor.install import Progress, install

REQUIREMENTS = (
    "# compiled\namqp==5.4.2 \\\n    --hash=sha256:1\nattrs==26.1.0\n    # via jsonschema\npsycopg[binary]==3.3.9\n"
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    path = tmp_path / "local.txt"
    path.write_text(REQUIREMENTS)
    return path


def pip_that(*lines: str, code: int = 0) -> list[str]:
    return [sys.executable, "-c", f"print({chr(10).join(lines)!r}); raise SystemExit({code})"]


def test_every_way_of_coming_by_a_package_counts() -> None:
    out = Terminal()
    progress = Progress(4, out)
    for line in (
        "Looking in indexes: https://pypi.org/simple",
        "Collecting amqp==5.4.2 (from -r requirements/local.txt (line 3))",
        "  Downloading amqp-5.4.2-py3-none-any.whl (51 kB)",
        "Processing /wheels/attrs-26.1.0-py3-none-any.whl (from -r requirements/local.txt (line 40))",
        "Collecting psycopg[binary]==3.3.9 (from -r requirements/local.txt (line 50))",
        "Requirement already satisfied: six==1.17 in ./lib (from -r requirements/local.txt (line 60)) (1.17)",
    ):
        progress.hear(line)
    told = [text for text in out.getvalue().split("\r\x1b[2K") if text]
    assert told == [
        "  1 of 4 packages: amqp",
        "  2 of 4 packages: attrs",
        "  3 of 4 packages: psycopg[binary]",
        "  4 of 4 packages: six",
    ]


def test_a_log_gets_few_lines() -> None:
    out = io.StringIO()
    progress = Progress(45, out)
    for number in range(45):
        progress.hear(f"Collecting p{number}==1 (from -r requirements/local.txt (line {number}))")
    progress.hear("WARNING: Retrying (Retry(total=4)) after connection broken")
    progress.hear("Installing collected packages: p0, p1")
    assert out.getvalue().splitlines() == [
        "  20 of 45 packages: p19",
        "  40 of 45 packages: p39",
        "  Retrying (Retry(total=4)) after connection broken",
        "  unpacking …",
    ]


def test_success_is_calm(requirements: Path) -> None:
    out = io.StringIO()
    assert install(requirements, pip_that("WARNING: something", "Successfully installed amqp"), out) == 0
    first, last = out.getvalue().splitlines()
    assert first == "Installing 3 packages; the first time takes a minute or two…"
    assert last.startswith("Installed 3 packages (")


def test_a_failure_shows_what_pip_said(requirements: Path) -> None:
    out = io.StringIO()
    assert install(requirements, pip_that("ERROR: No matching distribution found for amqp==5.4.2", code=1), out) == 1
    assert out.getvalue().splitlines()[-2:] == [
        "Installing failed:",
        "ERROR: No matching distribution found for amqp==5.4.2",
    ]


@pytest.fixture
def slow_install(requirements: Path) -> Iterator["subprocess.Popen[str]"]:
    """An installation whose pip tells its process id and then never ends."""
    pip = "import os, time; print(f'WARNING: Retrying {os.getpid()}', flush=True); time.sleep(600)"
    code = (
        "import sys; from pathlib import Path; from levqor.install import install; "
        f"raise SystemExit(install(Path({str(requirements)!r}), [sys.executable, '-c', {pip!r}], sys.stdout))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with process:
        yield process
        process.kill()


def test_being_stopped_stops_pip(slow_install: "subprocess.Popen[str]") -> None:
    assert slow_install.stdout is not None
    slow_install.stdout.readline()
    pid = int(slow_install.stdout.readline().split()[-1])
    slow_install.send_signal(signal.SIGTERM)
    assert slow_install.stdout.read() == "Installing was interrupted.\n"
    assert slow_install.wait(10) == 128 + signal.SIGTERM
    assert not Path(f"/proc/{pid}").exists()
