"""Each probe against something that answers, refuses or hangs."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.db import connection

from apps.core import heartbeat
from apps.core.models import Heartbeat
from apps.monitoring.watchdog import probing
from apps.monitoring.watchdog.probing import Probes
from tests.common.counting_server import CountingServer
from tests.common.processes import free_port
from tests.common.threads import run_in_threads, shared_database


@pytest.fixture
def probes(settings: Any) -> Iterator[Probes]:
    settings.REDIS_URL = ""
    made = Probes(patience=1.0)
    yield made
    made.close()


# Web -----------------------------------------------------------------------------------------------------------------
def answer(probes: Probes, code: str, ask: Any) -> str:
    """What one probe says now."""
    return probes._answer(code, probes._pool.submit(ask), time.monotonic())


def test_the_web_process_answers(probes: Probes, settings: Any) -> None:
    with CountingServer() as server:
        settings.WATCHDOG_WEB_URL = server.url
        probes._probes = {"web_down": probes._web, "database_down": lambda: None}
        assert probes.look().errors == {"web_down": "", "database_down": ""}
        assert server.calls()[0].path == "/healthz"


def test_one_that_is_away_or_ill_does_not(probes: Probes, settings: Any) -> None:
    settings.WATCHDOG_WEB_URL = f"http://127.0.0.1:{free_port()}"
    assert "refused" in answer(probes, "web_down", probes._web)
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.WATCHDOG_WEB_URL = f"http://127.0.0.1:{server.getsockname()[1]}"
        ill = threading.Thread(target=_answer_503, args=(server,))
        ill.start()
        assert "answered 503" in answer(probes, "web_down", probes._web)
        ill.join(10)


def _answer_503(server: socket.socket) -> None:
    link, _address = server.accept()
    with link:
        link.recv(1000)
        link.sendall(b"HTTP/1.0 503 Service Unavailable\r\n\r\n")


def test_one_that_hangs_is_not_waited_for_and_not_asked_twice(probes: Probes) -> None:
    asked, free = [], threading.Event()

    def hang() -> None:
        asked.append(1)
        free.wait(20)

    probes._patience = 0.05
    probes._probes = {"web_down": hang, "database_down": lambda: None}
    for _look in range(3):
        assert "no answer within" in probes.look().errors["web_down"]
    assert len(asked) == 1
    free.set()
    probes._patience = 5
    assert probes.look().errors["web_down"] == ""


def test_where_the_web_process_is(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WATCHDOG_WEB_URL = ""
    for host, expected in (
        ("0.0.0.0", "http://127.0.0.1:8000"),  # noqa: S104
        ("::1", "http://[::1]:8000"),
        ("127.0.0.1", "http://127.0.0.1:8000"),
    ):
        monkeypatch.setattr(configured.ENV, "HOST", host)
        assert probing.web_url() == expected


# Redis ---------------------------------------------------------------------------------------------------------------
def test_redis_away_says_no_password(probes: Probes, settings: Any) -> None:
    settings.REDIS_URL = f"redis://:hunter2hunter2@127.0.0.1:{free_port()}/0"
    error = answer(probes, "redis_down", probes._redis)
    assert error
    assert "hunter2" not in error


def test_redis_that_stands_still_is_away(probes: Probes, settings: Any) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        probes._patience = 0.2
        assert answer(probes, "redis_down", probes._redis)


def test_redis_is_only_looked_at_where_there_is_one(settings: Any) -> None:
    for url, there in (("", False), ("redis://127.0.0.1:1/0", True)):
        settings.REDIS_URL = url
        made = Probes(1.0)
        assert ("redis_down" in made._probes) is there
        made.close()


# Database ------------------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_the_database_brings_signs_and_the_book_and_takes_our_sign(
    probes: Probes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shared_database(tmp_path, Heartbeat):
        run_in_threads(_sign)
        if connection.vendor == "sqlite":
            _named(monkeypatch, str(tmp_path / "shared.sqlite3"))
        else:
            _named(monkeypatch, connection.settings_dict["NAME"])
        probes._probes = {"database_down": probes._database}
        first, second = probes.look(), probes.look()
    assert first.errors == {"database_down": ""}
    assert first.signs is not None
    assert first.signs["worker"] == (("w", 2),)
    assert "watchdog" not in first.signs
    assert second.signs is not None
    assert second.signs["watchdog"] == (("", 1),)
    assert probes.found.book.startswith("gAAAA"), "as it is stored: encrypted"


def _sign() -> None:
    heartbeat.sign("worker", "w")
    heartbeat.sign("worker", "w")
    heartbeat.sign("channels", told="{}")


def use(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Another database than the suite's."""
    sqlite = {"ENGINE": "django.db.backends.sqlite3", "OPTIONS": {"init_command": "PRAGMA synchronous=OFF"}}
    monkeypatch.setitem(configured.DATABASES, "default", {**sqlite, **changes})


@pytest.mark.django_db
def test_a_database_before_its_first_migration_answers(
    probes: Probes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "new.sqlite3"
    file.touch()
    use(monkeypatch, NAME=file)
    probes._probes = {"database_down": probes._database}
    look = probes.look()
    assert (look.errors, look.signs) == ({"database_down": ""}, None)


@pytest.mark.django_db
def test_a_database_file_that_is_gone_is_not_made_anew(
    probes: Probes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, NAME=tmp_path / "gone.sqlite3")
    assert "unable to open" in answer(probes, "database_down", probes._database)
    assert not (tmp_path / "gone.sqlite3").exists()


def test_postgresql_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"options": "-c search_path=x", "connect_timeout": 30}
    use(monkeypatch, ENGINE="django.db.backends.postgresql", NAME="x", OPTIONS=options)
    own = probing._own_settings(3.0)["OPTIONS"]
    assert own == {"options": "-c search_path=x -c statement_timeout=3000", "connect_timeout": 3}
    assert options["connect_timeout"] == 30, "everybody else's stay"


def _named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Another database for the probe. The dictionary itself is that of the tests' own connection: it stays as it is."""
    monkeypatch.setitem(configured.DATABASES, "default", {**configured.DATABASES["default"], "NAME": name})
