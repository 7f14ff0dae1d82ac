"""Celery's beat as we run it: it shows that it lives, and does not stand still when the clock is put back."""

import socket
import time
from typing import Any

import structlog
from django.db import Error
from django_celery_beat.schedulers import DatabaseScheduler

from apps.core.clock import now
from apps.core.heartbeat import sign, sign_seconds

log = structlog.get_logger(__name__)

STEP_SECONDS = 2.0  # less is a clock that is set right little by little


class Scheduler(DatabaseScheduler):
    """Which slot a message is for, and whether somebody ran it, is for the worker to know: two beats do no harm."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._clock = _clock()
        self._sign_at = 0.0
        super().__init__(*args, **options)

    def tick(self, *args: Any, **options: Any) -> float:
        """Celery's hook: one turn of its loop, at most two seconds after the last."""
        clock = _clock()
        if abs(clock - self._clock) > STEP_SECONDS:
            log.warning("clock_stepped", seconds=round(clock - self._clock))
            self._initial_read = True  # write down and read again all entries: those in memory are of the old clock
            self._heap = None
        self._clock = clock
        wait: float = super().tick(*args, **options)
        self._show_life()
        return wait

    def all_as_schedule(self) -> Any:
        """Celery's hook. A last time that is still to come is of a clock that was put back since: waiting for it would
        silence ticks for as long."""
        moment = now()
        self.Model._default_manager.filter(last_run_at__gt=moment).update(last_run_at=moment)
        return super().all_as_schedule()

    def _show_life(self) -> None:
        if time.monotonic() < self._sign_at:
            return
        self._sign_at = time.monotonic() + sign_seconds()
        try:
            sign("beat", socket.gethostname())
        except Error as error:
            log.warning("heartbeat_not_written", process="beat", error=str(error))


def _clock() -> float:
    """What the clock says beside one that nobody puts forward or back."""
    return time.time() - time.monotonic()
