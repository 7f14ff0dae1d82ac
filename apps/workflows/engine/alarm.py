"""A doorbell that rings at a moment: makes short waits exact. Lost with its process, when the tick takes over."""

import heapq
import os
import threading
from datetime import datetime, timedelta

import structlog
from django.db import connection

from apps.core.clock import now
from apps.core.doorbell import ring_once_now
from apps.workflows.engine.wake import WORK_TASK

log = structlog.get_logger(__name__)

HORIZON = timedelta(minutes=5)
MOST = 10_000


class Alarm:
    """Moments at which some run becomes due, and one thread that rings at each."""

    def __init__(self) -> None:
        self._moments: list[datetime] = []
        self._changed = threading.Condition()
        self._pid = 0

    def set(self, moment: datetime) -> None:
        """Ring at `moment`, if it is near enough to be worth it."""
        if moment - now() > HORIZON:
            return
        with self._changed:
            if self._pid != os.getpid():  # first use in this process, or just forked
                self._pid, self._moments = os.getpid(), []
                threading.Thread(target=self._watch, name="run-alarm", daemon=True).start()
            if len(self._moments) < MOST:
                heapq.heappush(self._moments, moment)
                self._changed.notify()

    def _watch(self) -> None:
        while True:
            with self._changed:
                pause = (self._moments[0] - now()).total_seconds() if self._moments else None
                if pause is None or pause > 0:
                    self._changed.wait(pause)
                    continue
                heapq.heappop(self._moments)
            try:
                ring_once_now(WORK_TASK)
            except Exception:  # this thread must outlive whatever is away; the tick finds the run
                log.exception("alarm_not_rung")
            finally:
                connection.close()  # this thread's own, had it needed one


alarm = Alarm()
