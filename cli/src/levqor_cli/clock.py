"""Time, in one place, so that tests can replace it."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds that only move forward; for deadlines."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Pause the command."""
    time.sleep(seconds)
