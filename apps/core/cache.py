"""Caches that hold limits across processes: a table that counts exactly, and Redis with that table to fall back on.

Django's own database cache reads, then writes: two processes may both add a key or both count from the same number.
Here every write is one upsert, and `incr` locks its row (SQLite: the whole database, by `BEGIN IMMEDIATE`).
"""

import base64
import pickle
import random
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from django.core.cache import caches
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from django.db import connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from redis.exceptions import RedisError

from apps.core.clock import now
from apps.core.outage import REDIS

MAX_ENTRIES = 100_000
CULL_CHANCE = 0.01
PRESENT = -1.0
SUBSTITUTE = "substitute"  # the alias of what stands in for Redis
NEVER = datetime(9990, 1, 1, tzinfo=UTC)


class AtomicDatabaseCache(DatabaseCache):
    """`add`, `set` and `incr` are atomic on PostgreSQL and SQLite. Holds 100,000 entries unless told otherwise."""

    _table: str
    _max_entries: int
    _cull: Callable[..., None]

    def __init__(self, table: str, params: dict[str, Any]) -> None:
        options = {"MAX_ENTRIES": MAX_ENTRIES, **params.get("OPTIONS", {})}
        super().__init__(table, {**params, "OPTIONS": options})

    def _connection(self) -> BaseDatabaseWrapper:
        return connections[router.db_for_write(self.cache_model_class)]

    def _base_set(self, mode: str, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT) -> bool:
        """Write in one statement. "add" wins only over an expired row, "touch" only over a live one."""
        connection = self._connection()
        table = connection.ops.quote_name(self._table)
        expires, present = self._moment(connection, self.get_backend_timeout(timeout)), self._moment(connection)
        with connection.cursor() as cursor:
            if mode == "touch":
                cursor.execute(
                    f"UPDATE {table} SET expires = %s WHERE cache_key = %s AND expires >= %s", [expires, key, present]
                )
                return bool(cursor.rowcount)
            if random.random() < CULL_CHANCE:  # noqa: S311 - chooses when to tidy, not a secret
                self._tidy(connection)
            only_expired, guard = (f" WHERE {table}.expires < %s", [present]) if mode == "add" else ("", [])
            cursor.execute(
                f"INSERT INTO {table} (cache_key, value, expires) VALUES (%s, %s, %s) "
                "ON CONFLICT (cache_key) DO UPDATE SET value = excluded.value, expires = excluded.expires"
                + only_expired,
                [key, self._packed(value), expires, *guard],
            )
            return bool(cursor.rowcount)

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Add `delta` to a counter and return its new value. Raises `ValueError` for a missing or expired key."""
        full_key = self.make_and_validate_key(key, version=version)
        connection = self._connection()
        table = connection.ops.quote_name(self._table)
        lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(
                f"SELECT value FROM {table} WHERE cache_key = %s AND expires >= %s{lock}",
                [full_key, self._moment(connection)],
            )
            row = cursor.fetchone()
            if row is None:
                raise ValueError(f"Key {key!r} not found")
            counted: int = pickle.loads(base64.b64decode(row[0])) + delta  # noqa: S301 - our own table, as in Django's backend
            cursor.execute(f"UPDATE {table} SET value = %s WHERE cache_key = %s", [self._packed(counted), full_key])
        return counted

    def _packed(self, value: Any) -> str:
        return base64.b64encode(pickle.dumps(value, self.pickle_protocol)).decode("ascii")

    def _moment(self, connection: BaseDatabaseWrapper, timestamp: float | None = PRESENT) -> Any:
        """A time as the column holds it; None is never."""
        if timestamp is None:
            moment = NEVER
        else:
            moment = now() if timestamp == PRESENT else datetime.fromtimestamp(timestamp, tz=UTC)
        return connection.ops.adapt_datetimefield_value(moment)

    def _tidy(self, connection: BaseDatabaseWrapper) -> None:
        table = connection.ops.quote_name(self._table)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT COUNT(*) FROM {table}")
            count = cursor.fetchone()[0]
            if count > self._max_entries // 2:
                cursor.execute(f"DELETE FROM {table} WHERE expires < %s", [self._moment(connection)])
            if count > self._max_entries:
                self._cull(connection.alias, cursor, now().replace(microsecond=0), count)


class _OneClient(RedisCacheClient):
    """Django makes a client for each command, which takes as long as the command itself."""

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        return self._one

    @cached_property
    def _one(self) -> Any:
        return super().get_client(write=True)


def _either(name: str) -> Any:
    """An operation of Redis that the substitute does where Redis is away."""
    first = getattr(RedisCache, name)

    def ask(self: RedisCache, *args: Any, **options: Any) -> Any:
        if REDIS.worth_trying():
            try:
                answer = first(self, *args, **options)
            except (RedisError, OSError) as error:
                REDIS.began(error)
            else:
                REDIS.ended()
                return answer
        return getattr(caches[SUBSTITUTE], name)(*args, **options)

    return ask


class RedisOrDatabaseCache(RedisCache):
    """Redis, and while it is away the cache `substitute`: limits begin anew then, but nobody is refused for it.

    One operation waits for Redis to answer, the others of the next three seconds know already (`outage`).
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = _OneClient

    add, get, set = _either("add"), _either("get"), _either("set")
    touch, delete, has_key, incr = _either("touch"), _either("delete"), _either("has_key"), _either("incr")
    get_many, set_many, delete_many = _either("get_many"), _either("set_many"), _either("delete_many")
    clear = _either("clear")
