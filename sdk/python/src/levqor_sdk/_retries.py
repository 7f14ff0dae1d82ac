"""Whether to try again, and after how long."""

from __future__ import annotations

import random
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

FIRST, LONGEST = 0.5, 8.0
LONGEST_RETRY_AFTER = 60.0
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
IN_USE = "idempotency_key_in_use"


def is_safe(method: str, has_key: bool) -> bool:
    """Whether a call may be sent twice: by its method, or because its key makes it happen once."""
    return method in SAFE_METHODS or (method == "POST" and has_key)


def is_passing(status: int, code: str) -> bool:
    """Whether an answer may be another one soon. A key in use is our own first attempt, still under way."""
    return status == 429 or status >= 500 or (status == 409 and code == IN_USE)


def pause(attempt: int, told: float | None) -> float | None:
    """Seconds until the next attempt: full jitter, on top of what the server told. None: too long to sit out."""
    jitter = random.uniform(0, min(LONGEST, FIRST * 2**attempt))  # noqa: S311 - no secret
    if told is None:
        return jitter
    return told + jitter if told <= LONGEST_RETRY_AFTER else None


def retry_after(text: str | None) -> float | None:
    """The header's seconds; it may name a moment instead."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max((moment - datetime.now(timezone.utc)).total_seconds(), 0.0)
