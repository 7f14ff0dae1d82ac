"""How long requests take: tallied by each web process, handed on by a thread of it.

Into Prometheus' series, and by the minute into rows, which objectives are watched by. A process that is killed loses
its last seconds.
"""

import threading
import time
from datetime import UTC, datetime

import structlog
from django.conf import settings
from django.db import Error, connection

from apps.core.tallies import Timing
from apps.monitoring.metrics import folder, series
from apps.monitoring.services.requests import BOUNDS, Minute, add_minute

log = structlog.get_logger(__name__)

EVERY_SECONDS = 5.0
STORED_EVERY_SECONDS = 15.0
MINUTES_WAITING = 120  # while the database is away
FINE = (0.005, 0.01, 0.025, *BOUNDS, 10.0)

REQUESTS = Timing(
    "levqor_http_request_seconds", "Time from a request's arrival to its answer.", FINE, ("scope", "outcome")
)

_waiting: dict[tuple[str, datetime], Minute] = {}
_lock = threading.Lock()
_worker: threading.Thread | None = None
_stored = 0.0


def note(scope: str, status: int, seconds: float) -> None:
    """A request was answered."""
    REQUESTS.add(seconds, scope, "failed" if status >= 500 else "refused" if status >= 400 else "ok")
    if settings.OBSERVE_IN_BACKGROUND:
        keep_going()


def hand_over() -> None:
    """Into the series, and aside for the rows: all of it counts to the present minute."""
    with _lock:
        series.hand_over_all(REQUESTS)
        minute = datetime.now(UTC).replace(second=0, microsecond=0)
        for (scope, outcome), timed in series.hand_over(REQUESTS).items():
            _waiting.setdefault((scope, minute), Minute()).add(timed, FINE, failed=outcome == "failed")
        while len(_waiting) > MINUTES_WAITING:
            del _waiting[min(_waiting, key=lambda key: key[1])]


def store() -> int:
    """Add what waits to the rows. Returns how many. Raises what the database raises: it waits again then."""
    stored = 0
    while _waiting:
        with _lock:
            key = min(_waiting, key=lambda key: key[1], default=None)
            if key is None:
                break
            minute = _waiting.pop(key)
        try:
            add_minute(*key, minute)
        except Error:
            with _lock:
                _waiting[key] = minute + _waiting.get(key, Minute())
            raise
        stored += 1
    return stored


def keep_going() -> None:
    """See that this process has a thread that hands on: after a fork it has none."""
    global _worker
    if _worker is not None and _worker.is_alive():
        return
    with _lock:
        if _worker is None or not _worker.is_alive():
            _worker = threading.Thread(target=_work, name="figures", daemon=True)
            _worker.start()


def _work() -> None:
    global _stored
    while True:
        time.sleep(EVERY_SECONDS)
        try:
            hand_over()
            folder.tidy_now_and_then()
            if time.monotonic() - _stored > STORED_EVERY_SECONDS:
                _stored = time.monotonic()
                store()
        except (Error, OSError) as error:
            log.warning("figures_not_stored", error=str(error))
        finally:
            connection.close()
