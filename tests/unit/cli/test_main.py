"""The command as a whole: help, exit codes, streams, and what it depends on."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from levqor_cli import __version__
from levqor_cli.commands import account
from levqor_cli.exit_codes import ExitCode

CLI = Path(__file__).parents[3] / "cli"


def test_version_and_help(cli: Any) -> None:
    assert cli("--version").stdout == f"levqor {__version__}\n"
    assert cli("--help").exit_code == 0
    assert cli("runs", "watch", "-h").exit_code == 0
    assert cli("bogus").exit_code == 2


def test_every_exit_code_is_in_the_help_and_the_readme(cli: Any) -> None:
    help_text = cli("--help").stdout
    readme = (CLI / "README.md").read_text(encoding="utf-8")
    for code in ExitCode:
        assert re.search(rf"^ +{int(code)}  {re.escape(code.meaning[:40])}", help_text, re.MULTILINE), code
        assert f"| {int(code)} | {code.meaning} |" in readme, code


def test_every_command_is_in_the_readme_and_takes_the_shared_options(cli: Any) -> None:
    readme = (CLI / "README.md").read_text(encoding="utf-8")
    commands = {
        "": ["login", "logout", "whoami", "run", "open"],
        "workflow": ["validate", "push", "list", "show", "diff"],
        "runs": ["list", "show", "watch", "cancel", "approve", "reject"],
        "secrets": ["list", "set", "delete"],
    }
    for group, names in commands.items():
        for name in names:
            words = [word for word in (group, name) if word]
            assert f"levqor {' '.join(words)}" in readme
            help_text = cli(*words, "--help").stdout
            assert all(option in help_text for option in ("--url", "--json", "--quiet")), words


@pytest.mark.parametrize(
    "words", [[], ["login"], ["run"], ["runs", "approve"], ["runs", "list"], ["secrets", "delete"]]
)
def test_help_is_plain(cli: Any, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = cli(*words, "--help").stdout
    assert not re.search(r"<bool>|<str>|<int|\[\[", shown)
    assert max(map(len, shown.splitlines())) <= 80


def test_help_breaks_lines_where_the_terminal_ends(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert "check that it shows the same code and approve." in cli("login", "--help").stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["bogus"], "No such command 'bogus'."),
        (["runs", "lst"], "No such command 'lst'. Did you mean 'list'?"),
        (["runs", "show"], "Missing argument 'RUN'."),
        (["runs", "list", "--state", "x"], "Invalid value for '--state' / '-s': 'x' is not one of 'queued',"),
    ],
)
def test_wrong_usage_is_told_like_every_other_error(cli: Any, words: list[str], told: str) -> None:
    result = cli(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    first, second = result.stderr.splitlines()
    assert first.startswith(f"✗ {told}")
    assert second.startswith("  More with: levqor")
    error = json.loads(cli(*words, "--json").stderr)["error"]
    assert (error["code"], error["exit_code"]) == ("usage", 2)


def test_a_group_alone_shows_its_help(cli: Any) -> None:
    result = cli("runs")
    assert result.exit_code == 2
    assert "List, show, watch" in result.stdout
    assert result.stderr == ""


def test_a_fault_of_ours_is_one_line(cli: Any, server: Any, logged_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(me: Any) -> Any:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(account, "_identity", broken)
    result = cli("whoami")
    assert result.exit_code == 70
    assert result.stderr.splitlines() == [
        "✗ Unexpected fault in levqor: ZeroDivisionError: oops",
        "  Set LEVQOR_DEBUG=1 to see where.",
    ]
    monkeypatch.setenv("LEVQOR_DEBUG", "1")
    assert "Traceback" in cli("whoami").stderr


def test_it_needs_none_of_the_platform() -> None:
    code = (
        "import sys, levqor_cli.main; "
        "print([name for name in ('django', 'apps', 'levqor', 'rest_framework') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    assert result.stdout.strip() == "[]"


def test_a_real_process_says_how_to_log_in(surroundings: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "levqor_cli", "--url", "http://127.0.0.1:9", "whoami"],
        capture_output=True,
        text=True,
        check=False,
        cwd=surroundings,
    )
    assert (result.returncode, result.stdout) == (4, "")
    assert "levqor login --url http://127.0.0.1:9" in result.stderr
    assert "\x1b" not in result.stderr
