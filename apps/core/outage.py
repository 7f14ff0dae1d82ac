"""Remember for a moment that a service is away, so that not everybody who needs it waits for it to answer."""

import threading
import time

import structlog

log = structlog.get_logger(__name__)

LOOK_EVERY_SECONDS = 3.0


class Outage:
    """What this process knows of one service. Told once when it goes and once when it is back."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._lock = threading.Lock()
        self._next_look: float | None = None  # while it is away

    def worth_trying(self) -> bool:
        """Whether to ask the service: yes, and while it is away one caller every three seconds."""
        if self._next_look is None:
            return True
        with self._lock:
            if self._next_look is None:
                return True
            if time.monotonic() < self._next_look:
                return False
            self._next_look = time.monotonic() + LOOK_EVERY_SECONDS
            return True

    def began(self, error: Exception) -> None:
        """The service did not answer."""
        with self._lock:
            first, self._next_look = self._next_look is None, time.monotonic() + LOOK_EVERY_SECONDS
        if first:
            log.warning("service_away", service=self._service, error=str(error))

    def ended(self) -> None:
        """The service answered."""
        if self._next_look is None:
            return
        with self._lock:
            over, self._next_look = self._next_look is not None, None
        if over:
            log.info("service_back", service=self._service)


REDIS = Outage("redis")
