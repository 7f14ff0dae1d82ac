"""Channels whose Redis has gone: they close, and what comes after that asks nothing of anybody."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import MagicMock, patch

import pytest
from kombu import Connection
from redis.exceptions import ConnectionError as RedisConnectionError

import levqor.celery  # noqa: F401 - tells kombu what the URL stands for
from apps.core.queue_redis import Channel, Transport

PAYLOAD = {
    "body": "",
    "content-type": "application/json",
    "content-encoding": "utf-8",
    "headers": {},
    "properties": {"delivery_tag": "one", "delivery_info": {"exchange": "", "routing_key": "levqor"}},
}


@pytest.fixture
def server() -> Iterator[MagicMock]:
    """What every client of every channel talks to."""
    server = MagicMock()
    with patch.object(Channel, "_get_client", return_value=lambda **_options: server):
        yield server


@pytest.fixture
def channel(server: MagicMock) -> Channel:
    channel = Connection("redis://127.0.0.1:1/0").channel()
    assert isinstance(channel, Channel)
    return channel


def received(channel: Channel) -> Any:
    """A message that a worker took and has not acknowledged."""
    message = channel.Message(PAYLOAD, channel=channel)
    channel.qos.append(message, message.delivery_tag)
    return message


def go_away(server: MagicMock) -> None:
    for command in ("parse_response", "pipeline", "transaction", "lpush", "rpush", "srem", "smembers"):
        getattr(server, command).side_effect = RedisConnectionError("gone")


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "rediss://127.0.0.1:1/0"])
def test_both_urls_lead_to_our_transport(url: str) -> None:
    assert Connection(url).get_transport_cls() is Transport


def test_a_message_fills_a_place_until_it_is_acknowledged_and_is_kept_nowhere(
    channel: Channel, server: MagicMock
) -> None:
    channel.basic_qos(0, 1, False)
    server.reset_mock()
    message = received(channel)
    assert not channel.qos.can_consume()
    message.ack()
    assert channel.qos.can_consume()
    assert not server.mock_calls


def test_a_message_given_back_is_put_into_its_queue_again(channel: Channel, server: MagicMock) -> None:
    received(channel).reject(requeue=True)
    assert server.lpush.call_args.args[0] == "levqor"


def test_closing_takes_nothing_back(channel: Channel, server: MagicMock) -> None:
    received(channel)
    server.reset_mock()
    channel.close()
    assert channel.closed
    assert not server.lpush.called


@pytest.mark.parametrize("end", ["ack", "reject", "requeue"])
def test_the_end_of_a_task_whose_channel_is_closed_is_of_no_interest(
    end: str, channel: Channel, server: MagicMock
) -> None:
    message = received(channel)
    go_away(server)
    channel.connection.client.collect()  # as a worker does that lost its connection
    assert channel.closed
    getattr(message, end)()


@pytest.mark.parametrize("left_off", ["at the last answer", "at queues of its own"])
def test_a_channel_closes_although_nobody_answers(left_off: str, channel: Channel, server: MagicMock) -> None:
    transport = channel.connection
    if left_off == "at the last answer":
        channel._in_poll = server.connection
    else:
        channel.exchange_declare("all", type="fanout")
        for queue in ("own", "other"):
            channel.queue_declare(queue, auto_delete=True)
            channel.queue_bind(queue, "all")
    go_away(server)
    channel.close()
    assert channel.closed
    assert channel not in transport.cycle._channels
    assert channel not in transport.channels
    assert channel._pool is None
    assert channel._async_pool is None
