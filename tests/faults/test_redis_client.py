"""The client that keeps a connection for each thread, against a Redis that stands still and one that starts again."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.exceptions import RedisError, ResponseError

from apps.core import redis_client
from tests.common.platform import RedisServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of our own."""
    made = RedisServer(tmp_path).start()
    yield made
    made.program.stop()


@pytest.fixture
def client(server: RedisServer) -> Iterator[redis_client.Client]:
    """A client of it that has been used."""
    made = redis_client._client(server.url)
    made.set("word", "first")
    yield made
    made._connection().disconnect()


def test_nobody_waits_longer_than_the_patience(server: RedisServer, client: redis_client.Client) -> None:
    server.program.signal(signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(RedisError):
        client.get("word")
    assert time.monotonic() - began < redis_client.PATIENCE_SECONDS + 1
    server.program.signal(signal.SIGCONT)
    assert client.get("word") == "first"  # and not the late answer to something else
    client.set("word", "second")
    assert client.get("word") == "second"


def test_a_refusal_leaves_the_connection(client: redis_client.Client) -> None:
    before = client.client_id()
    with pytest.raises(ResponseError):
        client.execute_command("NOPE")
    assert client.client_id() == before


def test_what_was_closed_while_idle_is_opened_again(
    server: RedisServer, client: redis_client.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_client, "IDLE_SECONDS", 0.0)
    server.program.kill()
    server.start()
    assert client.get("word") is None
