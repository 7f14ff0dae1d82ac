"""Each channel is told once, however often it has to be tried and whoever else fails."""

import json
from pathlib import Path
from typing import Any

import pytest

from apps.core.crypto import encrypt
from apps.monitoring.watchdog import telling
from apps.monitoring.watchdog.judging import Change
from apps.monitoring.watchdog.memory import Memory
from apps.monitoring.watchdog.telling import Teller, address_key
from apps.notifications.channels import ChannelError

URLS = {"good": "https://good.example/hook", "bad": "https://bad.example/hook"}


class Post:
    """What was delivered, and which channels refuse."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str, str]] = []
        self.errors: dict[str, Exception] = {}

    def deliver(self, url: str, title: str, body: str, severity: str, silent: bool, *, key: str, data: Any) -> None:
        if url in self.errors:
            raise self.errors[url]
        self.sent.append((url, title, severity, key))


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Post:
    made = Post()
    monkeypatch.setattr(telling, "deliver", made.deliver)
    return made


@pytest.fixture
def memory(tmp_path: Path, settings: Any) -> Memory:
    settings.ALERT_URLS = []
    made = Memory(tmp_path)
    channels = [[name, url, ["database_down"], []] for name, url in URLS.items()]
    made.learn_channels(encrypt(json.dumps({"channels": channels})))
    return made


def begin(memory: Memory) -> None:
    keys = [address_key(address) for address in memory.addresses("database_down")]
    memory.note(Change("database_down", "refused"), keys)


def test_beginning_and_end_are_told_once_each(post: Post, memory: Memory) -> None:
    teller = Teller(memory, "https://levqor.example")
    begin(memory)
    teller.round()
    teller.round()
    memory.note(Change("database_down", over=True), [])
    teller.round()
    Teller(memory, "after a restart").round()
    assert sorted(url for url, *_rest in post.sent) == sorted([*URLS.values()] * 2)
    titles = [(title, severity) for _url, title, severity, _key in post.sent]
    assert titles[:2] == [("The database does not answer", "critical")] * 2
    assert titles[2:] == [("Over: The database does not answer", "success")] * 2
    keys = [key for url, _title, _severity, key in post.sent if url == URLS["good"]]
    assert len(set(keys)) == 2, "a receiver that looks at the key takes each once"


def test_a_channel_that_fails_is_tried_again_later_and_holds_up_nobody(
    post: Post, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = [100.0]
    monkeypatch.setattr(telling.time, "monotonic", lambda: moment[0])
    teller = Teller(memory, "x")
    post.errors[URLS["bad"]] = ChannelError("answered 503", permanent=False)
    begin(memory)
    teller.round()
    assert [url for url, *_rest in post.sent] == [URLS["good"]]
    post.errors.clear()
    teller.round()
    assert len(post.sent) == 1, "not at once"
    moment[0] += telling.FIRST_PAUSE
    teller.round()
    assert len(post.sent) == 2


@pytest.mark.parametrize("error", [ChannelError("answered 404", permanent=True)])
def test_a_channel_that_never_will_is_given_up(error: ChannelError, post: Post, memory: Memory) -> None:
    teller = Teller(memory, "x")
    post.errors[URLS["bad"]] = error
    begin(memory)
    teller.round()
    post.errors.clear()
    memory.note(Change("database_down", over=True), [])
    teller.round()
    assert {url for url, *_rest in post.sent} == {URLS["good"]}, "it hears of no end of what it never heard of"


def test_whatever_a_library_raises_the_others_are_told(post: Post, memory: Memory) -> None:
    post.errors[URLS["bad"]] = RuntimeError("a bug")
    begin(memory)
    Teller(memory, "x").round()
    assert [url for url, *_rest in post.sent] == [URLS["good"]]


def test_a_channel_that_was_removed_is_left_alone(post: Post, memory: Memory) -> None:
    begin(memory)
    memory.learn_channels(encrypt(json.dumps({"channels": [["good", URLS["good"], ["database_down"], []]]})))
    Teller(memory, "x").round()
    assert [url for url, *_rest in post.sent] == [URLS["good"]]
    assert memory.waiting() == []
