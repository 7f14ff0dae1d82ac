"""Celery tasks of usage: ticks."""

from functools import partial

from celery import shared_task

from apps.core.redis_client import where_redis_is
from apps.usage.gate.either import CATCH_UP_TASK, catch_up
from apps.usage.request_store import store_waiting
from apps.usage.services.alerts import TICK_TASK, alert_quotas
from apps.usage.services.draining import DRAIN_TASK, drain


@shared_task(name=DRAIN_TASK)
def drain_usage() -> None:
    """Bring counted calls, and the log of requests, from Redis into the database.

    A tick that finds the one before still at it leaves it to that: else they would take all places of the workers.
    """
    where_redis_is(partial(drain, wait=False))
    where_redis_is(store_waiting)


@shared_task(name=CATCH_UP_TASK)
def catch_up_usage() -> None:
    """Tell Redis what the database counted while it was away."""
    where_redis_is(catch_up)


@shared_task(name=TICK_TASK)
def alert_about_quotas() -> None:
    """Tell organizations how much of their quota is used."""
    alert_quotas()
