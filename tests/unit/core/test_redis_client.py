"""The connection for scripts and streams."""

from unittest.mock import patch

import pytest
from redis.exceptions import RedisError

from apps.core.redis_client import PATIENCE_SECONDS, redis_client, redis_key
from tests.common.gates import client, redis_away


def test_none_without_an_address(settings):
    settings.REDIS_URL = ""
    assert redis_client() is None


def test_one_for_each_address(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    first = redis_client()
    assert redis_client() is first
    settings.REDIS_URL = "redis://127.0.0.1:1/1"
    assert redis_client() is not first
    options = first.connection_pool.connection_kwargs
    assert options["socket_timeout"] == options["socket_connect_timeout"] == PATIENCE_SECONDS


def test_a_command_is_sent_once():
    """Sent again after an answer that was lost, it would count twice."""
    with redis_away():
        away = redis_client()
        with (
            patch("redis.connection.Connection.connect", side_effect=ConnectionError) as connect,
            pytest.raises((RedisError, OSError)),
        ):
            away.ping()
    assert connect.call_count == 1


def test_keys_are_those_of_this_installation(settings):
    settings.REDIS_PREFIX = "ours"
    assert redis_key("calls", "x") == "ours:calls:x"


def test_it_answers_in_text():
    found = client()
    found.set(redis_key("text"), "ü")
    assert found.get(redis_key("text")) == "ü"
