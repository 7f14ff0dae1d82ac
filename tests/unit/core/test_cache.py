"""The database cache counts exactly, whoever counts at the same time; it stands in for a Redis that is away."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock, patch

import pytest
import time_machine
from django.core.cache import caches
from django.core.management import call_command
from django.db import connection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from apps.core.cache import AtomicDatabaseCache, RedisOrDatabaseCache
from apps.core.clock import now
from apps.core.outage import Outage
from tests.common.threads import run_in_threads, shared_database


@pytest.fixture
def cache(db: None) -> AtomicDatabaseCache:
    return AtomicDatabaseCache("levqor_cache", {})


@pytest.fixture
def outage() -> Iterator[Outage]:
    with patch("apps.core.cache.REDIS", Outage("redis")) as known:
        yield known


@pytest.fixture
def redis(db: None, settings: Any, outage: Outage) -> Mock:
    """What talks to Redis for the cache `either`, which has the table to fall back on."""
    table = {"BACKEND": "apps.core.cache.AtomicDatabaseCache", "LOCATION": "levqor_cache"}
    settings.CACHES = {**settings.CACHES, "substitute": table}
    return Mock()


@pytest.fixture
def either(redis: Mock) -> RedisOrDatabaseCache:
    made = RedisOrDatabaseCache("redis://127.0.0.1:1/0", {})
    made._class = lambda *_servers, **_options: redis
    return made


def test_set_get_and_delete(cache):
    cache.set("a", {"x": [1]}, 60)
    assert cache.get("a") == {"x": [1]}
    cache.set("a", 2, 60)
    assert cache.get("a") == 2
    assert cache.delete("a")
    assert cache.get("a") is None


def test_add_wins_once_until_it_expires(cache):
    assert cache.add("lock", 1, 10)
    assert not cache.add("lock", 2, 10)
    assert cache.get("lock") == 1
    with time_machine.travel(now() + timedelta(seconds=11), tick=False):
        assert cache.get("lock") is None
        assert cache.add("lock", 3, 10)


def test_incr_counts_and_keeps_the_expiry(cache):
    cache.add("hits", 1, 30)
    assert cache.incr("hits") == 2
    assert cache.incr("hits", 5) == 7
    assert cache.decr("hits") == 6
    with time_machine.travel(now() + timedelta(seconds=31), tick=False), pytest.raises(ValueError, match="not found"):
        cache.incr("hits")


def test_incr_of_a_missing_key_is_refused(cache):
    with pytest.raises(ValueError, match="not found"):
        cache.incr("nobody")


def test_touch_prolongs_only_what_lives(cache):
    cache.set("a", 1, 10)
    assert cache.touch("a", 100)
    assert not cache.touch("b", 100)
    with time_machine.travel(now() + timedelta(seconds=50), tick=False):
        assert cache.get("a") == 1


def test_never_expires(cache):
    cache.set("a", 1, None)
    with time_machine.travel(now() + timedelta(days=4000), tick=False):
        assert cache.get("a") == 1


def test_holds_more_than_djangos_three_hundred(cache):
    for number in range(400):
        cache.set(f"key{number}", number, 600)
    assert all(cache.get(f"key{number}") == number for number in range(400))


def test_tidies_expired_rows_when_full(db):
    small = AtomicDatabaseCache("levqor_cache", {"OPTIONS": {"MAX_ENTRIES": 10}})
    for number in range(8):
        small.set(f"old{number}", number, 5)
    with time_machine.travel(now() + timedelta(seconds=6), tick=False):
        small._tidy(connection)
        with connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM levqor_cache")
            assert cursor.fetchone()[0] == 0


@pytest.mark.django_db(transaction=True)
def test_counts_exactly_with_many_at_once(tmp_path: Path):
    def count() -> list[int]:
        own = AtomicDatabaseCache("levqor_cache", {})
        own.add("hits", 0, 60)
        return [own.incr("hits") for _number in range(25)]

    with shared_database(tmp_path):
        run_in_threads(_make_table)
        seen = run_in_threads(*[count] * 4)
        [last] = run_in_threads(lambda: AtomicDatabaseCache("levqor_cache", {}).get("hits"))
    assert sorted(number for numbers in seen for number in numbers) == list(range(1, 101))
    assert last == 100


@pytest.mark.django_db(transaction=True)
def test_one_of_many_adds_wins(tmp_path: Path):
    with shared_database(tmp_path):
        run_in_threads(_make_table)
        won = run_in_threads(*[lambda: AtomicDatabaseCache("levqor_cache", {}).add("lock", 1, 60)] * 6)
    assert sum(won) == 1


def _make_table() -> None:
    if "levqor_cache" not in connection.introspection.table_names():
        call_command("createcachetable", "levqor_cache", verbosity=0)


def test_it_is_the_default_without_redis(settings):
    if not settings.ENV.REDIS_URL:
        assert isinstance(caches["default"], AtomicDatabaseCache)


OPERATIONS: dict[str, tuple[tuple[Any, ...], Any]] = {
    "add": (("new", 1, 60), True),
    "get": (("there",), 5),
    "set": (("there", 6, 60), None),
    "touch": (("there", 60), True),
    "delete": (("there",), True),
    "has_key": (("there",), True),
    "incr": (("there", 2), 7),
    "decr": (("there", 2), 3),
    "get_many": ((["there", "nowhere"],), {"there": 5}),
    "set_many": (({"a": 1},), []),
    "delete_many": ((["there"],), None),
    "clear": ((), None),
    "get_or_set": (("there", 9), 5),
}


@pytest.mark.parametrize("error", [RedisConnectionError("refused"), RedisTimeoutError("stands still"), OSError("gone")])
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_works_while_redis_is_away(name, error, redis, either):
    caches["substitute"].set("there", 5, 60)
    for operation in ("add", "get", "set", "touch", "delete", "has_key", "incr", *("get_many", "set_many"), "clear"):
        getattr(redis, operation).side_effect = error
    redis.delete_many.side_effect = error
    arguments, expected = OPERATIONS[name]
    assert getattr(either, name)(*arguments) == expected


def test_only_one_waits_for_a_redis_that_is_away(redis, either, outage):
    redis.get.side_effect = RedisTimeoutError("stands still")
    redis.add.side_effect = RedisTimeoutError("stands still")
    for _number in range(5):
        either.get("a")
        either.add("b", 1)
    assert redis.get.call_count + redis.add.call_count == 1


def test_redis_is_asked_again_and_counts_from_where_it_was(redis, either, outage, monkeypatch):
    redis.get.side_effect = [RedisConnectionError("refused"), "from Redis", "from Redis"]
    clock = Mock(return_value=100.0)
    monkeypatch.setattr("apps.core.outage.time", Mock(monotonic=clock))
    assert either.get("a") is None
    clock.return_value = 103.5
    assert either.get("a") == "from Redis"
    assert either.get("a") == "from Redis"
    assert redis.get.call_count == 3


def test_a_missing_counter_is_no_outage(redis, either, outage):
    redis.incr.side_effect = ValueError("Key not found")
    with pytest.raises(ValueError, match="not found"):
        either.incr("nobody")
    assert outage.worth_trying()


def test_one_client_serves_all_commands():
    """Making one takes as long as a command."""
    made = RedisOrDatabaseCache("redis://127.0.0.1:1/0", {})._cache
    assert made.get_client("a") is made.get_client("b", write=True)
