"""Proof of life: beat sends a tick, a worker answers it by writing the time."""

from datetime import datetime, timedelta

from django.core.cache import cache

from apps.core.clock import now

HEARTBEAT_TASK = "core.heartbeat"
HEARTBEAT_SECONDS = 15
STALE_AFTER = timedelta(seconds=4 * HEARTBEAT_SECONDS)
_KEY = "levqor:heartbeat"


def record() -> None:
    """Write that a worker takes tasks now."""
    cache.set(_KEY, now().isoformat(), timeout=None)


def last() -> datetime | None:
    """When a worker last took a tick, or None."""
    written = cache.get(_KEY)
    return datetime.fromisoformat(written) if written else None


def is_fresh() -> bool:
    """Whether worker, beat and queue work together at this moment."""
    seen = last()
    return seen is not None and now() - seen < STALE_AFTER
