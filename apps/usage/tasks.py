"""Celery tasks of usage: ticks."""

from collections.abc import Callable
from functools import partial

from celery import shared_task
from redis.exceptions import RedisError

from apps.core.outage import REDIS
from apps.core.redis_client import redis_client
from apps.usage.gate.either import CATCH_UP_TASK, catch_up
from apps.usage.request_store import store_waiting
from apps.usage.services.alerts import TICK_TASK, alert_quotas
from apps.usage.services.draining import DRAIN_TASK, drain


@shared_task(name=DRAIN_TASK)
def drain_usage() -> None:
    """Bring counted calls, and the log of requests, from Redis into the database.

    A tick that finds the one before still at it leaves it to that: else they would take all places of the workers.
    """
    _with_redis(partial(drain, wait=False))
    _with_redis(store_waiting)


@shared_task(name=CATCH_UP_TASK)
def catch_up_usage() -> None:
    """Tell Redis what the database counted while it was away."""
    _with_redis(catch_up)


@shared_task(name=TICK_TASK)
def alert_about_quotas() -> None:
    """Tell organizations how much of their quota is used."""
    alert_quotas()


def _with_redis(work: Callable[[], object]) -> None:
    """Do what needs Redis, unless there is none or it is away: the next tick looks again."""
    if redis_client() is None or not REDIS.worth_trying():
        return
    try:
        work()
    except (RedisError, OSError) as error:
        REDIS.began(error)
    else:
        REDIS.ended()
