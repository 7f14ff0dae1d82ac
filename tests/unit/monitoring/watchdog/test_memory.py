"""What outlives the watchdog: alarms, who was told, and channels that nobody can read on the disk."""

import json
from pathlib import Path
from typing import Any

import pytest

from apps.core.crypto import encrypt
from apps.monitoring.watchdog.judging import Change
from apps.monitoring.watchdog.memory import MOST_OVER, Alarm, Memory

BOOK = {"channels": [["Ops", "https://hooks.example/T0PSECRET", ["worker_down"], []]]}


def read(folder: Path) -> str:
    return "".join(file.read_text() for file in folder.iterdir())


def noted(memory: Memory, change: Change, tell: list[str]) -> Alarm:
    alarm = memory.note(change, tell)
    assert alarm is not None
    return alarm


def test_alarms_are_as_they_were_after_a_kill(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    alarm = noted(memory, Change("worker_down", "no sign"), ["a", "b"])
    memory.mark(alarm, "began", "a", "told")
    again = Memory(tmp_path)
    assert again.open_codes() == {"worker_down"}
    assert [(phase, key) for _alarm, phase, key in again.waiting()] == [("began", "b")]


def test_only_who_heard_of_the_beginning_hears_of_the_end(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    alarm = noted(memory, Change("worker_down", "no sign"), ["told", "late", "never"])
    memory.mark(alarm, "began", "told", "told")
    memory.note(Change("worker_down", over=True), [])
    assert {(phase, key) for _alarm, phase, key in memory.waiting()} == {
        ("began", "late"), ("began", "never"), ("over", "told"),
    }  # fmt: skip
    memory.mark(alarm, "began", "never", "gave up")
    memory.mark(alarm, "began", "late", "told")
    assert {(phase, key) for _alarm, phase, key in memory.waiting()} == {("over", "late"), ("over", "told")}


def test_what_is_settled_is_forgotten(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    alarm = noted(memory, Change("worker_down", "no sign"), ["a"])
    memory.mark(alarm, "began", "a", "told")
    memory.note(Change("worker_down", over=True), [])
    memory.mark(alarm, "over", "a", "told")
    assert memory.unrecorded() == [alarm]
    memory.mark_recorded(alarm.id, alarm.progress)
    assert memory.alarms == []
    assert json.loads((tmp_path / "alarms.json").read_text()) == []


def test_the_database_hears_of_the_alarm_and_then_who_was_told(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    alarm = noted(memory, Change("worker_down", "no sign"), ["a", "b"])
    memory.mark_recorded(alarm.id, alarm.progress)
    memory.mark(alarm, "began", "a", "told")
    assert memory.unrecorded() == []
    memory.mark(alarm, "began", "b", "gave up")
    assert memory.unrecorded() == [alarm]


def test_one_that_flaps_pushes_out_none_that_is_open(tmp_path: Path) -> None:
    """The database is away, so nothing is recorded and nothing is settled; a web process comes and goes."""
    memory = Memory(tmp_path)
    memory.note(Change("database_down", "refused"), ["a"])
    for _time in range(MOST_OVER + 5):
        memory.note(Change("web_down", "refused"), ["a"])
        memory.note(Change("web_down", over=True), [])
    memory = Memory(tmp_path)
    assert memory.open_codes() == {"database_down"}
    assert len(memory.alarms) == 1 + MOST_OVER, "what is over is bounded"
    assert noted(memory, Change("database_down", over=True), []).seen == "refused"


def test_an_end_without_a_beginning_is_none(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    assert memory.note(Change("web_down", over=True), []) is None
    assert memory.alarms == []


def test_channels_are_known_after_a_restart_and_never_readable(tmp_path: Path, settings: Any) -> None:
    settings.ALERT_URLS = ["mailto:ops@example.com"]
    memory = Memory(tmp_path)
    assert [address.url for address in memory.addresses("worker_down")] == ["mailto:ops@example.com"]
    memory.learn_channels(encrypt(json.dumps(BOOK)))
    memory.note(Change("worker_down", "no sign"), ["a"])
    assert "T0PSECRET" not in read(tmp_path)
    assert (tmp_path / "channels").stat().st_mode & 0o077 == 0
    urls = [address.url for address in Memory(tmp_path).addresses("worker_down")]
    assert urls == ["https://hooks.example/T0PSECRET", "mailto:ops@example.com"]


def test_a_channel_of_both_is_told_once(tmp_path: Path, settings: Any) -> None:
    settings.ALERT_URLS = ["https://hooks.example/T0PSECRET"]
    memory = Memory(tmp_path)
    memory.learn_channels(encrypt(json.dumps(BOOK)))
    assert len(memory.addresses("worker_down")) == 1


@pytest.mark.parametrize(
    "broken", ["[]", "{}", '{"channels": 1}', '{"channels": [["Ops", "https://x"]]}', '{"channels": [[']
)
def test_a_book_that_makes_no_sense_leaves_the_one_before(broken: str, tmp_path: Path, settings: Any) -> None:
    settings.ALERT_URLS = []
    memory = Memory(tmp_path)
    memory.learn_channels(encrypt(json.dumps(BOOK)))
    memory.learn_channels(encrypt(broken))
    assert [address.name for address in memory.addresses("worker_down")] == ["Ops"]


@pytest.mark.parametrize("broken", ["", "{", '[{"x": 1}]', '"text"'])
def test_a_broken_file_is_told_and_begins_anew(broken: str, tmp_path: Path) -> None:
    (tmp_path / "alarms.json").write_text(broken)
    (tmp_path / "channels").write_text("no token")
    memory = Memory(tmp_path)
    assert memory.alarms == []
    memory.note(Change("worker_down", "no sign"), [])
    assert Memory(tmp_path).open_codes() == {"worker_down"}


def test_a_disk_that_is_full_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Memory(tmp_path)

    def full(*_arguments: Any, **_options: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("apps.monitoring.watchdog.memory.os.open", full)
    memory.note(Change("worker_down", "no sign"), ["a"])
    assert len(memory.waiting()) == 1
