"""The loop: what was judged is remembered, told and recorded; nothing that it meets ends it."""

import json
import os
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog

from apps.core.crypto import encrypt
from apps.monitoring.watchdog import watching
from apps.monitoring.watchdog.judging import Change, Look
from apps.monitoring.watchdog.memory import Memory
from apps.monitoring.watchdog.watching import Watchdog


class Probes:
    """Finds what the test says."""

    def __init__(self) -> None:
        self.at, self.errors, self.found = 0.0, {"database_down": "", "web_down": ""}, SimpleNamespace(book="")

    def look(self) -> Look:
        self.at += 100
        return Look(self.at, dict(self.errors), None)

    def close(self) -> None:
        """Nothing to close."""


class Errands:
    """In place of `subprocess.Popen`: what was handed over, and how it ends."""

    def __init__(self) -> None:
        self.given: list[list[dict[str, Any]]] = []
        self.files: list[os.stat_result] = []
        self.code: int | None = 0
        self.kills = 0

    def __call__(self, command: list[str], *, stdin: Any, **_options: Any) -> Any:
        assert command[-1] == "record_alarms"
        self.files.append(os.fstat(stdin.fileno()))
        self.given.append(json.loads(os.read(stdin.fileno(), 1 << 22)))
        return SimpleNamespace(pid=1, poll=lambda: self.code, kill=self._kill)

    def _kill(self) -> None:
        self.kills += 1
        self.code = -9


@pytest.fixture
def errands(monkeypatch: pytest.MonkeyPatch) -> Errands:
    made = Errands()
    monkeypatch.setattr(watching.subprocess, "Popen", made)
    return made


@pytest.fixture
def probes() -> Probes:
    return Probes()


@pytest.fixture
def watchdog(tmp_path: Path, probes: Probes, errands: Errands, settings: Any) -> Watchdog:
    settings.ALERT_URLS = ["mailto:ops@example.com"]
    return Watchdog(100, Memory(tmp_path), probes)  # type: ignore[arg-type]


def looks(watchdog: Watchdog, number: int) -> None:
    for _look in range(number):
        watchdog.look()


def test_an_alarm_is_remembered_before_anybody_is_told_and_then_recorded(
    watchdog: Watchdog, probes: Probes, errands: Errands
) -> None:
    looks(watchdog, 1)
    probes.errors["web_down"] = "refused"
    looks(watchdog, 2)
    [(alarm, phase, _key)] = watchdog.memory.waiting()
    assert (alarm.code, phase, alarm.seen) == ("web_down", "began", "refused")
    assert [[item["code"] for item in sent] for sent in errands.given] == [["web_down"]]
    looks(watchdog, 1)
    assert watchdog.memory.unrecorded() == []
    looks(watchdog, 3)
    assert len(errands.given) == 1, "once"


def test_what_the_database_could_not_take_is_recorded_when_it_is_back(
    watchdog: Watchdog, probes: Probes, errands: Errands
) -> None:
    looks(watchdog, 1)
    probes.errors["database_down"] = "refused"
    looks(watchdog, 5)
    assert errands.given == []
    probes.errors["database_down"] = ""
    looks(watchdog, 2)
    [[item]] = errands.given
    assert item["over_at"]


def test_an_errand_that_fails_is_run_again_later(
    watchdog: Watchdog, probes: Probes, errands: Errands, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = [1000.0]
    monkeypatch.setattr(watching.time, "monotonic", lambda: moment[0])
    errands.code = 1
    probes.errors["web_down"] = "refused"
    looks(watchdog, 5)
    assert len(errands.given) == 1
    moment[0] += watching.ERRAND_AGAIN_SECONDS
    errands.code = 0
    looks(watchdog, 2)
    assert len(errands.given) == 2
    assert watchdog.memory.unrecorded() == []


def test_an_errand_that_hangs_is_killed_and_run_again(
    watchdog: Watchdog, probes: Probes, errands: Errands, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = [1000.0]
    monkeypatch.setattr(watching.time, "monotonic", lambda: moment[0])
    errands.code = None
    probes.errors["web_down"] = "refused"
    looks(watchdog, 3)
    moment[0] += watching.ERRAND_SECONDS - 1
    looks(watchdog, 1)
    assert (len(errands.given), errands.kills) == (1, 0)
    moment[0] += 1
    with structlog.testing.capture_logs() as lines:
        looks(watchdog, 1)
    assert errands.kills == 1
    assert [line["event"] for line in lines] == ["alarms_errand_hangs"]
    looks(watchdog, 1)
    assert len(errands.given) == 2
    errands.code = 0
    looks(watchdog, 1)
    assert watchdog.memory.unrecorded() == []


def test_much_is_handed_over_without_waiting_and_nobody_else_reads_it(
    watchdog: Watchdog, probes: Probes, errands: Errands
) -> None:
    for number in range(50):
        watchdog.memory.note(Change("web_down", "refused"), [f"{number}-{channel:014}" for channel in range(40)])
    looks(watchdog, 1)
    [given], [file] = errands.given, errands.files
    assert [len(item["began_told"]) for item in given] == [40] * 50
    assert file.st_size > 1 << 16, "more than a pipe takes"
    assert stat.S_ISREG(file.st_mode)
    assert (stat.S_IMODE(file.st_mode), file.st_nlink) == (0o600, 0)


def test_without_any_channel_the_log_says_so_loudly(watchdog: Watchdog, probes: Probes, settings: Any) -> None:
    settings.ALERT_URLS = []
    probes.errors["web_down"] = "refused"
    with structlog.testing.capture_logs() as lines:
        looks(watchdog, 3)
    errors = [line["event"] for line in lines if line["log_level"] == "error"]
    assert errors == ["alarm_began", "alarm_without_channel"]


def test_the_channels_are_those_that_the_platform_named_last(watchdog: Watchdog, probes: Probes) -> None:
    probes.found.book = encrypt(json.dumps({"channels": [["Ops", "https://ops.example", [], ["web_down"]]]}))
    looks(watchdog, 1)
    assert [one.url for one in watchdog.memory.addresses("web_down")] == [
        "https://ops.example",
        "mailto:ops@example.com",
    ]


def test_a_look_that_breaks_is_not_the_last(
    watchdog: Watchdog, probes: Probes, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def look() -> None:
        seen.append(1)
        if len(seen) == 3:
            watchdog.stop()
        raise RuntimeError("a bug")

    monkeypatch.setattr(watchdog, "look", look)
    watchdog.interval = 0.01
    with structlog.testing.capture_logs():
        watchdog.run()
    assert len(seen) == 3


def test_a_change_that_breaks_takes_no_other_with_it_and_is_made_up_for(
    watchdog: Watchdog, probes: Probes, monkeypatch: pytest.MonkeyPatch
) -> None:
    note, broken = watchdog.memory.note, {"database_down"}

    def breaks(change: Change, tell: list[str]) -> Any:
        if change.code in broken:
            raise RuntimeError("a bug")
        return note(change, tell)

    monkeypatch.setattr(watchdog.memory, "note", breaks)
    looks(watchdog, 1)
    probes.errors.update(database_down="refused", web_down="refused")
    with structlog.testing.capture_logs() as lines:
        looks(watchdog, 2)
    assert "watchdog_change_failed" in [line["event"] for line in lines]
    assert watchdog.memory.open_codes() == {"web_down"}
    broken.clear()
    looks(watchdog, 1)
    assert watchdog.memory.open_codes() == {"database_down", "web_down"}
    broken.add("database_down")
    probes.errors.update(database_down="", web_down="")
    looks(watchdog, 1)
    assert watchdog.memory.open_codes() == {"database_down"}
    broken.clear()
    looks(watchdog, 1)
    assert watchdog.memory.open_codes() == set()


def test_an_end_whose_beginning_nobody_remembers_spoils_no_look(watchdog: Watchdog, probes: Probes) -> None:
    looks(watchdog, 1)
    probes.errors.update(database_down="refused", web_down="refused")
    looks(watchdog, 2)
    watchdog.memory.alarms.clear()
    probes.errors.update(database_down="", web_down="")
    with structlog.testing.capture_logs() as lines:
        looks(watchdog, 1)
    assert [line["code"] for line in lines if line["event"] == "alarm_over_unknown"] == ["database_down", "web_down"]
    assert "watchdog_change_failed" not in [line["event"] for line in lines]
