"""Asking Notion from one thread: in its turn, and again while it helps."""

from collections.abc import Callable
from typing import TypeVar

from apps.core.backoff import pause
from apps.integrations.notion import connection
from apps.integrations.notion.errors import NotionRateLimitedError, NotionUnavailableError

MOST_TRIES = 8
LONGEST = 60.0  # seconds; who is told to wait longer comes back later
ResultT = TypeVar("ResultT")


def patiently(call: Callable[[], ResultT], *, repeatable: bool = True) -> ResultT:
    """What the call answers. Raises what it raises at last; what is not `repeatable` only waits for its turn."""
    pace = connection.pace()
    for tried in range(1, MOST_TRIES + 1):
        pace.turn()
        try:
            answer = call()
        except NotionRateLimitedError as error:
            pace.answered(refused=True, retry_after=error.retry_after)
            if tried == MOST_TRIES or error.retry_after > LONGEST:
                raise
            pace.rest(error.retry_after)
        except NotionUnavailableError as error:
            if tried == MOST_TRIES or not (repeatable or not error.ambiguous) or error.retry_after > LONGEST:
                raise
            pace.rest(max(error.retry_after, pause(tried, first=0.5, longest=8.0)))
        else:
            pace.answered()
            return answer
    raise AssertionError("the last try returns or raises")
