"""What `.ci/run` finds missing, and when it calls something ready: its functions, among stand-ins for programs."""

import re
import runpy
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from levqor.env import ROOT

BASH = shutil.which("bash") or "bash"
SCRIPT = (ROOT / ".ci" / "run").read_text()
PROGRAMS = ("make", "git", "redis-server", "chromium", "xmlsec1", "pdftoppm", "node", "npm", "uv", "pg_ctlcluster")


def run(folder: Path, words: str, **programs: str) -> "subprocess.CompletedProcess[str]":
    """Bash with the script's functions, where only these programs exist."""
    for name, body in {**dict.fromkeys(PROGRAMS, "exit 0"), **programs}.items():
        if body:
            (folder / name.replace("__", ".")).write_text(f"#!{BASH}\n{body}\n")
            (folder / name.replace("__", ".")).chmod(0o755)
    functions = "\n".join(re.findall(r"^\w+\(\) \{.*?(?:^\}| \})$", SCRIPT, re.MULTILINE | re.DOTALL))
    return subprocess.run(
        [BASH, "-uc", f"{functions}\n{words}"], env={"PATH": str(folder)}, capture_output=True, text=True, timeout=60
    )


def test_clients_of_postgresql_are_no_server(tmp_path: Path) -> None:
    found = run(tmp_path, "missing_packages", psql="exit 0", python3__11="exit 0", pg_ctlcluster="")
    assert (found.stdout.split(), found.stderr) == (["postgresql"], "")


@pytest.mark.parametrize(
    ("programs", "missing"),
    [
        ({"python3__11": "exit 0"}, []),
        ({"python3": "exit 0"}, []),  # its stand-in says that it is new enough
        ({"python3": "exit 1"}, ["python3.11", "python3.11-venv"]),
        ({}, ["python3.11", "python3.11-venv"]),
    ],
)
def test_any_python_that_make_takes_will_do(tmp_path: Path, programs: dict[str, str], missing: list[str]) -> None:
    found = run(tmp_path, "missing_packages", **programs)
    assert (found.stdout.split(), found.stderr) == (missing, "")


def test_the_systems_own_python_comes_first(tmp_path: Path) -> None:
    for version, found in ((0, "system"), (1, "python3.11")):  # whether it is too old
        (tmp_path / "system").write_text(f"#!{BASH}\nexit {version}\n")
        (tmp_path / "system").chmod(0o755)
        ended = run(tmp_path, f"SYSTEM_PYTHON={tmp_path}/system; find_python", python3__11="exit 0")
        assert (ended.stdout, ended.stderr) == (f"{tmp_path}/{found}\n", "")


def test_a_redis_that_never_answers_is_told(tmp_path: Path) -> None:
    words = "seq() { echo 1; }; sleep() { :; }; start_redis"
    ended = run(tmp_path, words, **{"redis-cli": "exit 1"})
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Redis does not answer" in ended.stderr


def test_what_is_installed_is_asked_for_with_patience() -> None:
    assert SCRIPT.count("apt-get") == SCRIPT.count("apt-get -o Acquire::Retries=3 -o DPkg::Lock::Timeout=120") == 1


def test_the_whole_leaves_time_to_clean_up() -> None:
    whole = int(re.search(r"^WHOLE=(\d+)", SCRIPT, re.MULTILINE)[1])  # type: ignore[index] # it has one
    assert whole + 20 + 60 <= 25 * 60  # a part that is killed, a server that is stopped


def limited(folder: Path, seconds: float, words: str) -> "tuple[int, str, float]":
    """What `.ci/limited.py` makes of a command: its exit code, what was printed, and the seconds that were counted."""
    took = folder / "took"
    ended = subprocess.run(
        [sys.executable, str(ROOT / ".ci" / "limited.py"), str(seconds), str(took), BASH, "-c", words],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return ended.returncode, ended.stdout, float(took.read_text())


def test_a_part_ends_as_its_command_does(tmp_path: Path) -> None:
    assert limited(tmp_path, 50, "echo done; exit 7")[:2] == (7, "done\n")


def test_a_part_hears_of_signals_though_the_shell_hears_of_none(tmp_path: Path) -> None:
    asks = "import signal; print(signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGHUP))"
    words = f"{sys.executable} {ROOT / '.ci' / 'limited.py'} 50 {tmp_path / 'took'} {sys.executable} -c '{asks}'"
    ignoring = subprocess.run([BASH, "-c", f"trap '' INT HUP; {words}"], capture_output=True, text=True, timeout=60)
    assert ignoring.stdout == f"{signal.default_int_handler} {signal.SIG_DFL}\n"


def test_a_part_that_hangs_is_interrupted_with_all_that_it_started(tmp_path: Path) -> None:
    words = "trap 'echo told; exit 3' INT; (trap 'sleep 1; echo told too' INT; sleep 50) & while :; do sleep 0.1; done"
    code, said, counted = limited(tmp_path, 1, words)
    assert (code, sorted(said.split("\n"))) == (124, ["", "told", "told too"])
    assert 1 < counted < 30


def test_time_is_counted_as_on_the_reference_machine() -> None:
    module = runpy.run_path(str(ROOT / ".ci" / "limited.py"))
    assert 1 <= module["slowness"]() <= module["SLOWEST"]
    module["run"].__globals__["slowness"] = lambda: 2.0
    handlers = {number: signal.getsignal(number) for number in module["ENDS"]}
    began = time.monotonic()
    code, counted = module["run"](50, [BASH, "-c", "sleep 1"])
    for number, handler in handlers.items():
        signal.signal(number, handler)
    assert code == 0
    assert counted == pytest.approx((time.monotonic() - began) / 2, rel=0.2)
