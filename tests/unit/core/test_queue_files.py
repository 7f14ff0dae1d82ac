"""Many writers and readers on one folder: each message arrives once, whole, and nobody falls over."""

import threading
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection

from apps.core.queue_files import Channel


@pytest.fixture
def options(tmp_path: Path) -> dict[str, Any]:
    for name in ("queue", "control"):
        (tmp_path / name).mkdir()
    queue = str(tmp_path / "queue")
    return {"data_folder_in": queue, "data_folder_out": queue, "control_folder": str(tmp_path / "control")}


def channel_of(options: dict[str, Any]) -> Channel:
    channel = Connection("files://localhost", transport_options=options).channel()
    assert isinstance(channel, Channel)
    return channel


def test_messages_come_in_the_order_in_which_they_were_put(options: dict[str, Any]) -> None:
    channel = channel_of(options)
    for number in range(20):
        channel._put("levqor", {"n": number})
    assert channel._size("levqor") == 20
    assert [channel._get("levqor")["n"] for _ in range(20)] == list(range(20))
    with pytest.raises(Empty):
        channel._get("levqor")


def test_queues_do_not_mix(options: dict[str, Any]) -> None:
    channel = channel_of(options)
    channel._put("other.levqor", {"n": 1})
    with pytest.raises(Empty):
        channel._get("levqor")
    assert channel._get("other.levqor") == {"n": 1}


def test_what_is_being_written_is_not_there_yet(options: dict[str, Any]) -> None:
    folder = Path(options["data_folder_in"])
    (folder / "00000000000000000001_x.levqor.msg.abc.tmp").write_text('{"n":')
    with pytest.raises(Empty):
        channel_of(options)._get("levqor")


def test_an_unreadable_message_is_put_aside_and_the_next_one_read(options: dict[str, Any]) -> None:
    channel = channel_of(options)
    (Path(options["data_folder_in"]) / "00000000000000000001_x.levqor.msg").write_text("")
    channel._put("levqor", {"n": 1})
    assert channel._get("levqor") == {"n": 1}
    assert channel._size("levqor") == 0


def test_many_at_once_lose_and_repeat_nothing(options: dict[str, Any]) -> None:
    writers, readers, each = 4, 4, 100
    found: list[int] = []
    broken: list[Exception] = []
    written = threading.Event()

    def write(start: int) -> None:
        channel = channel_of(options)
        for number in range(start, start + each):
            channel._put("levqor", {"n": number, "padding": "x" * 5000})

    def read() -> None:
        channel = channel_of(options)
        try:
            while True:
                over = written.is_set()
                try:
                    found.append(channel._get("levqor")["n"])
                except Empty:
                    if over:
                        return
        except Exception as error:  # noqa: BLE001 - whatever a reader falls over
            broken.append(error)

    reading = [threading.Thread(target=read) for _ in range(readers)]
    writing = [threading.Thread(target=write, args=(n * each,)) for n in range(writers)]
    for thread in [*reading, *writing]:
        thread.start()
    for thread in writing:
        thread.join(60)
    written.set()
    for thread in reading:
        thread.join(60)
    assert not broken
    assert sorted(found) == list(range(writers * each))


def test_bindings_made_at_once_are_all_kept(options: dict[str, Any]) -> None:
    def bind(number: int) -> None:
        channel_of(options)._queue_bind("levqor", f"key {number}", "", f"queue {number}")

    threads = [threading.Thread(target=bind, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    channel = channel_of(options)
    assert {entry.queue for entry in channel.get_table("levqor")} == {f"queue {number}" for number in range(12)}
    channel._queue_bind("levqor", "key 1", "", "queue 1")
    assert len(channel.get_table("levqor")) == 12
    channel._delete("queue 1", "levqor", "key 1", "")
    assert len(channel.get_table("levqor")) == 11


def test_the_broker_of_an_embedded_installation_is_this_one(options: dict[str, Any]) -> None:
    with Connection("files://localhost", transport_options=options) as link:
        producer = link.SimpleQueue("levqor")
        producer.put({"n": 1})
        message = producer.get(block=False)
        assert message.payload == {"n": 1}
        message.ack()
        producer.close()
