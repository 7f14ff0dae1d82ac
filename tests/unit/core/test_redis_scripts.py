"""Scripts on a connection of each thread's own."""

import os
import time

import pytest
from redis.exceptions import RedisError

from apps.core import redis_scripts
from apps.core.redis_client import redis_client, redis_key
from apps.core.redis_scripts import Line, Script
from tests.common.gates import client, redis_away
from tests.common.threads import run_in_threads

ECHO = "return {KEYS[1], ARGV[1]}"


@pytest.fixture
def line():
    return Line(client())


def number_of(line):
    return line.ask("CLIENT", "ID")


def test_a_script_that_redis_does_not_know_yet(line):
    text = f"{ECHO} -- {os.urandom(4).hex()}"
    assert [Script(line, text)(["ä"], [5]) for _time in range(2)] == [["ä", "5"]] * 2


def test_each_thread_has_a_connection(line):
    mine = number_of(line)
    others = run_in_threads(lambda: number_of(line), lambda: number_of(line))
    assert len({mine, number_of(line), *others}) == 3


def test_a_refused_command_leaves_the_connection(line):
    mine = number_of(line)
    with pytest.raises(RedisError):
        Script(line, "this is no Lua")([])
    assert number_of(line) == mine


def test_a_connection_that_redis_closed_is_made_anew_after_a_rest(line, monkeypatch):
    closed = number_of(line)
    client().client_kill_filter(_id=closed)
    monkeypatch.setattr(redis_scripts, "LOOKED_AT_AFTER_SECONDS", -1.0)
    assert number_of(line) != closed


def test_without_a_rest_the_command_fails_and_the_next_one_does_not(line):
    """It may have been heard: sent again, it would count twice."""
    closed = number_of(line)
    client().client_kill_filter(_id=closed)
    with pytest.raises((RedisError, OSError)):
        number_of(line)
    assert number_of(line) != closed


def test_a_rested_connection_stays(line, monkeypatch):
    monkeypatch.setattr(redis_scripts, "LOOKED_AT_AFTER_SECONDS", -1.0)
    assert number_of(line) == number_of(line)


def test_a_forked_process_has_a_connection_of_its_own(line, monkeypatch):
    mine = number_of(line)
    monkeypatch.setattr(redis_scripts.os, "getpid", lambda: -1)
    assert number_of(line) != mine


def test_a_redis_that_stands_still_is_waited_for_no_longer_than_agreed(monkeypatch):
    client()
    monkeypatch.setattr(redis_scripts, "PATIENCE_SECONDS", 1)
    line = Line(redis_client())
    number_of(line)
    began = time.monotonic()
    with pytest.raises((RedisError, OSError)):
        line.ask("BLPOP", redis_key("nothing"), 5)
    assert 0.9 < time.monotonic() - began < 3
    assert line.ask("PING") == "PONG", "a later answer is not taken for that of another command"


def test_away_it_says_so():
    client()
    with redis_away(), pytest.raises((RedisError, OSError)):
        Line(redis_client()).ask("PING")
