"""When a call may be repeated, and after which pause."""

import random
from datetime import UTC
from email.utils import parsedate_to_datetime

import httpx

from levqor_cli import clock

RETRYABLE_STATUSES = frozenset({429, 502, 503, 504})
ATTEMPTS = 5
LONGEST_BACKOFF = 8.0
LONGEST_RETRY_AFTER = 60.0
"""A server that asks for more patience than this (seconds) gets none: the user decides."""


def backoff(attempt: int) -> float:
    """Seconds to wait after failed attempt number `attempt` (from 1): full jitter, doubling."""
    ceiling = min(LONGEST_BACKOFF, 0.5 * 2 ** (attempt - 1))
    return random.uniform(0.0, ceiling)  # noqa: S311 - jitter, not a secret


def pause_after_response(response: httpx.Response, attempt: int) -> float | None:
    """Seconds before the next attempt, or None when there should be none."""
    if response.status_code not in RETRYABLE_STATUSES or attempt >= ATTEMPTS:
        return None
    asked = retry_after(response.headers.get("retry-after", ""))
    if asked is None:
        return backoff(attempt)
    return None if asked > LONGEST_RETRY_AFTER else asked


def pause_after_failure(error: httpx.TransportError, attempt: int) -> float | None:
    """The same when no answer came. Nobody listening rarely changes within seconds: give up early."""
    attempts = 3 if isinstance(error, httpx.ConnectError) else ATTEMPTS
    return None if attempt >= attempts else backoff(attempt)


def retry_after(header: str) -> float | None:
    """Seconds asked for by a Retry-After header (a number or an HTTP date), or None."""
    text = header.strip()
    if not text:
        return None
    if text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - clock.now()).total_seconds())
