"""The command in a room of its own: a home folder, a clock that never waits, and a server that is a Python object."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import respx
from levqor_cli import clock
from levqor_cli.credentials import CredentialStore, Login
from levqor_cli.main import app
from typer.testing import CliRunner, Result

from tests.common.levqor_api import BASE, FakeLevqor

Cli = Callable[..., Result]


class FakeTime:
    """Sleeping moves the clock instead of waiting; `naps` tells how long each pause was."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.naps: list[float] = []

    def monotonic(self) -> float:
        """Seconds since nowhere."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Pass `seconds` at once."""
        self.naps.append(seconds)
        self.seconds += seconds


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A configuration folder that is empty, a working folder, and no settings from outside."""
    for name in ("LEVQOR_URL", "LEVQOR_TOKEN", "LEVQOR_DEBUG", "NO_COLOR", "FORCE_COLOR", "DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


@pytest.fixture(autouse=True)
def fake_time(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    """No test waits."""
    fake = FakeTime()
    monkeypatch.setattr(clock, "monotonic", fake.monotonic)
    monkeypatch.setattr(clock, "sleep", fake.sleep)
    return fake


@pytest.fixture
def server() -> Iterator[FakeLevqor]:
    """Levqor's API at its usual address; nothing leaves the process."""
    fake = FakeLevqor()
    with respx.mock(assert_all_called=False, assert_all_mocked=True) as router:
        router.route(url__startswith=BASE).mock(side_effect=fake)
        yield fake


@pytest.fixture
def store(surroundings: Path) -> CredentialStore:
    """The logins on this machine."""
    return CredentialStore(surroundings.parent / "config" / "levqor" / "credentials.json")


@pytest.fixture
def logged_in(store: CredentialStore) -> CredentialStore:
    """A login whose access token is good for an hour."""
    with store.locked() as book:
        book.logins[BASE] = Login("access-0", "refresh-0", clock.now().timestamp() + 3600, "owner@example.com")
        book.default_url = BASE
        book.save()
    return store


@pytest.fixture
def cli() -> Cli:
    """Run the command: `cli("runs", "list", input="…")`; the result has stdout, stderr and exit_code."""
    runner = CliRunner()

    def invoke(*arguments: str, input: str | None = None) -> Result:
        return runner.invoke(app, list(arguments), input=input, catch_exceptions=False)

    return invoke
