"""What `make run` does before it supervises, and the parts that it is made of."""

import io
import os
import shutil
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

from apps.core.errors import ConflictError
from apps.core.preparation import MigrationLines
from apps.core.running import RunningLock
from apps.core.static_files import collect, mark_path
from levqor.management.commands import start
from levqor.management.commands.start import child_environment
from levqor.supervisor import read_procfile


# One platform per folder --------------------------------------------------------------------------------------------
def test_a_folder_has_one_platform(tmp_path: Path) -> None:
    with RunningLock(tmp_path), pytest.raises(ConflictError, match=rf"already running on .*process {os.getpid()}"):
        RunningLock(tmp_path).__enter__()
    with RunningLock(tmp_path):
        pass


# Static files -------------------------------------------------------------------------------------------------------
@pytest.fixture
def static(settings: Any, tmp_path: Path) -> Path:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.css").write_text("a{}")
    settings.STATICFILES_DIRS = [source]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = tmp_path / "static"
    return source


def test_static_files_are_collected_when_one_changed(static: Path, settings: Any) -> None:
    assert collect() is True
    assert collect() is False
    (static / "b.css").write_text("b{}")
    assert collect() is True
    assert (settings.STATIC_ROOT / "b.css").read_text() == "b{}"
    (static / "b.css").unlink()
    assert collect() is True
    assert not (settings.STATIC_ROOT / "b.css").exists()
    settings.VERSION = "next"
    assert collect() is True


def test_only_what_was_collected_is_served(static: Path, settings: Any) -> None:
    collect()
    assert [path.name for path in settings.STATIC_ROOT.iterdir() if not path.name.startswith("a.")] == []
    shutil.rmtree(settings.STATIC_ROOT)
    assert collect() is True


def test_an_interrupted_collection_is_done_again(static: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    collect()
    (static / "b.css").write_text("b{}")
    with monkeypatch.context() as patch:
        patch.setattr("apps.core.static_files.call_command", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            collect()
    assert not mark_path().exists()
    assert collect() is True


def test_nothing_is_hidden_but_what_unfold_replaces() -> None:
    """Collecting is quiet, so a file that hides one of the same path must show here."""
    owners: dict[str, list[str]] = {}
    for finder in get_finders():
        for path, storage in finder.list([]):
            owners.setdefault(path, []).append(Path(storage.location).parent.name)
    hidden = {tuple(found) for found in owners.values() if len(found) > 1}
    assert hidden <= {("unfold", "admin")}


# The command --------------------------------------------------------------------------------------------------------
class Recorded:
    """Stands in for the supervisor: remembers what it was asked to run and says that it is ready."""

    asked: dict[str, Any]

    def __init__(self, **asked: Any) -> None:
        type(self).asked = asked

    def run(self) -> int:
        self.asked["on_ready"]()
        return 0


@pytest.fixture
def port(settings: Any) -> int:
    with socket.socket() as free, socket.socket() as other:
        for each in (free, other):
            each.bind(("127.0.0.1", 0))
        number, fake = int(free.getsockname()[1]), int(other.getsockname()[1])
    settings.ENV = settings.ENV.model_copy(
        update={"PORT": number, "STRIPE_FAKE_PORT": fake, "HOST": "127.0.0.1", "REDIS_URL": ""}
    )
    return number


@pytest.fixture(autouse=True)
def _own_figures(settings: Any, tmp_path: Path) -> None:
    """A start forgets the figures of its processes: not those of this suite."""
    settings.METRICS_DIR = tmp_path / "metrics"
    settings.METRICS_DIR.mkdir()


def run_start() -> tuple[Any, str]:
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("start", stdout=out)
    return ended.value.code, out.getvalue()


@pytest.fixture
def stubbed(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path, static: Path) -> None:
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr(start, "Supervisor", Recorded)
    monkeypatch.setattr(start, "connections", SimpleNamespace(close_all=lambda: None))
    monkeypatch.setattr("apps.core.preparation.MigrationExecutor.migration_plan", lambda *_: [])


@pytest.mark.django_db
@pytest.mark.usefixtures("stubbed")
def test_a_start_prepares_then_supervises(port: int, settings: Any) -> None:
    code, told = run_start()
    assert code == 0
    for words in ("database       up to date", "demo data      loaded: accounts", "static files   collected"):
        assert words in told
    assert f"Levqor is ready: {settings.SITE_URL}" in told
    assert "owner@demo.levqor.test" in told
    assert "password" in told
    asked = Recorded.asked
    assert asked["commands"] == read_procfile(settings.BASE_DIR / "Procfile")
    assert f"Test payments: http://127.0.0.1:{settings.ENV.STRIPE_FAKE_PORT}   (no money moves)" in told
    assert asked["ready_address"] == ("127.0.0.1", port)

    code, told = run_start()
    for words in ("schedules      0 changed", "demo data      there already", "static files   up to date"):
        assert words in told


@pytest.mark.django_db
@pytest.mark.usefixtures("stubbed")
def test_a_release_prepares_without_the_demo() -> None:
    out = io.StringIO()
    call_command("release", stdout=out)
    steps = [line.split()[0] for line in out.getvalue().splitlines()]
    assert steps == ["database", "schedules", "static", "catalogue", "objectives", "templates"]
    out = io.StringIO()
    call_command("release", stdout=out)
    for words in ("database       up to date", "schedules      0 changed", "static files   up to date"):
        assert words in out.getvalue()


@pytest.mark.django_db
@pytest.mark.usefixtures("stubbed")
def test_real_installations_get_no_demo(port: int, settings: Any) -> None:
    settings.DEMO = False
    _code, told = run_start()
    assert "demo" not in told


@pytest.mark.django_db
@pytest.mark.usefixtures("stubbed")
@pytest.mark.parametrize(
    "chosen", [{"STRIPE_API_KEY": "sk_test_" + "a1" * 20}, {"STRIPE_API_URL": "http://127.0.0.1:9"}]
)
def test_a_fake_is_started_only_where_it_is_asked(port: int, settings: Any, chosen: dict[str, str]) -> None:
    settings.ENV = settings.ENV.model_copy(update=chosen)
    _code, told = run_start()
    assert "Test payments" not in told
    assert list(Recorded.asked["commands"]) == ["web", "worker", "beat", "watchdog"]
    assert not [name for name in Recorded.asked["environment"] if name.startswith("STRIPE_FAKE_")]


def test_the_port_of_the_fake_in_use_is_told(port: int, settings: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", settings.ENV.STRIPE_FAKE_PORT))
        taken.listen()
        with pytest.raises(
            ConflictError, match=rf"port {settings.ENV.STRIPE_FAKE_PORT} is in use; .*STRIPE_FAKE_PORT="
        ):
            call_command("start")


@pytest.mark.parametrize(
    ("options", "command"), [({}, "python manage.py start"), ({"end_with_parent": True}, "make run")]
)
def test_a_port_in_use_is_told(port: int, options: dict[str, bool], command: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(ConflictError, match=rf"port {port} is in use; choose another.* PORT=\d+ {command}$"):
            call_command("start", **options)


def test_a_host_of_another_machine_is_told(port: int, settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(update={"HOST": "192.0.2.1"})
    with pytest.raises(start.UnreachableError, match=r"can't listen on 192\.0\.2\.1"):
        call_command("start")


@pytest.mark.django_db
def test_a_broker_that_is_away_is_told(port: int, settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    settings.ENV = settings.ENV.model_copy(update={"REDIS_URL": "redis://127.0.0.1:1/0"})
    away = SimpleNamespace(connection_for_write=lambda: (_ for _ in ()).throw(OSError("refused")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(start, "current_app", away)
        with pytest.raises(start.UnreachableError, match="REDIS_URL: no connection: refused"):
            call_command("start")


def test_children_see_the_checked_settings(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ENV = settings.ENV.model_copy(update={"PORT": 9876, "WORKER_POOL": "prefork"})
    monkeypatch.setenv("PATH", "/usr/bin")
    found = child_environment()
    assert (found["PORT"], found["WORKER_POOL"]) == ("9876", "prefork")
    assert found["STRIPE_FAKE_API_KEY"] == settings.STRIPE_API_KEY
    assert [found["STRIPE_FAKE_WEBHOOK_SECRET"]] == settings.STRIPE_WEBHOOK_SECRETS
    assert found["PATH"].endswith(":/usr/bin")
    assert (Path(found["PATH"].split(":")[0]) / "python").exists()


def test_migrations_tell_how_far_they_are() -> None:
    told: list[str] = []
    lines = MigrationLines(3, told.append)
    for text in (
        "Running migrations:\n",
        "  Applying audit.0001_initial...",
        " OK\n",
        "  Applying core.0001_initial...",
    ):
        assert lines.write(text) == len(text)
    assert told == ["database       1 of 3: audit.0001_initial", "database       2 of 3: core.0001_initial"]
