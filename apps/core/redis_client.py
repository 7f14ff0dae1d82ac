"""The connection to Redis for what the cache interface cannot say: scripts and streams."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from apps.core.outage import REDIS

PATIENCE_SECONDS = 2

Client = Any
"""A `redis.Redis` that answers in text: its types are unions of all that it could be told to answer."""


def redis_client() -> Client | None:
    """This process's client, or None where no Redis is configured. A command is sent once: twice might count twice."""
    return _client(settings.REDIS_URL) if settings.REDIS_URL else None


def where_redis_is(work: Callable[[], object]) -> None:
    """Do what needs Redis, unless there is none or it is away: for work that somebody looks after again later."""
    if redis_client() is None or not REDIS.worth_trying():
        return
    try:
        work()
    except (RedisError, OSError) as error:
        REDIS.began(error)
    else:
        REDIS.ended()


def redis_key(*parts: str) -> str:
    """A key of this installation."""
    return ":".join((settings.REDIS_PREFIX, *parts))


@lru_cache(maxsize=4)
def _client(url: str) -> Client:
    return Redis.from_url(
        url,
        socket_timeout=PATIENCE_SECONDS,
        socket_connect_timeout=PATIENCE_SECONDS,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )
