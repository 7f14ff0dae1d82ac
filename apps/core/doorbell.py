"""Ring for a worker once the transaction is committed. A lost ring only costs time: a tick finds the row."""

import os
import time
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from celery import current_app
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from kombu.exceptions import OperationalError

from apps.core.outage import REDIS

log = structlog.get_logger(__name__)

# A ring that nobody heard for so long is taken for lost. No longer than the ticks behind it.
UNHEARD_SECONDS = 2


def ring(task: str, *args: Any) -> None:
    """Send the Celery task after commit. Never raises: with the broker away the row waits for the next tick."""
    transaction.on_commit(partial(ring_now, task, *args), robust=True)


def ring_now(task: str, *args: Any) -> None:
    """Send the Celery task at once: for callers that have no transaction and want no database connection.

    While Redis is known to be away nobody waits for it.
    """
    in_redis = _in_redis()
    if in_redis and not REDIS.worth_trying():
        return
    try:
        current_app.send_task(task, args=args, ignore_result=True, retry=False)
    except (OperationalError, OSError) as error:
        log.warning("doorbell_not_rung", task=task, error=str(error))
        if in_redis:
            REDIS.began(error)
    else:
        if in_redis:
            REDIS.ended()


def ring_once(task: str) -> None:
    """Like `ring`, but not while an earlier ring for this task is on its way to a worker.

    For tasks that do all there is to do and say `heard` before they look: whoever answers the earlier ring sees what
    is committed by now.
    """
    transaction.on_commit(partial(ring_once_now, task), robust=True)


def ring_once_now(task: str) -> None:
    """`ring_once` without waiting for a commit."""
    if _raise_flag(task):
        ring_now(task)


def heard(task: str) -> None:
    """Say that a worker came to the ring and looks now: what happens from here on needs a new one."""
    if _in_redis():
        cache.delete(f"bell:{task}")
    else:
        _flag(task).unlink(missing_ok=True)


def _in_redis() -> bool:
    return bool(settings.CELERY_BROKER_URL.startswith("redis"))


def _raise_flag(task: str) -> bool:
    """Note that a ring is on its way. False when one is. Where nothing can be noted, ringing twice does no harm."""
    if _in_redis():
        return bool(cache.add(f"bell:{task}", 1, timeout=UNHEARD_SECONDS))
    if not settings.CELERY_BROKER_URL.startswith("files:"):
        return True
    flag = _flag(task)
    try:
        os.close(os.open(flag, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return _lost(flag)
    except OSError:
        return True
    return True


def _lost(flag: Path) -> bool:
    try:
        if time.time() - flag.stat().st_mtime < UNHEARD_SECONDS:
            return False
        os.utime(flag)
    except OSError:
        return True  # heard in this moment
    return True


def _flag(task: str) -> Path:
    return Path(settings.BROKER_DIR, "control", f"{task}.bell")
