"""Telling channels of alarms, from a thread of its own: a slow channel holds up neither looks nor the others."""

import hashlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import structlog

from apps.monitoring.watchdog import alarms
from apps.monitoring.watchdog.memory import Alarm, Memory, Phase
from apps.notifications.channels import Address, ChannelError, deliver

log = structlog.get_logger(__name__)

AT_ONCE = 4
FIRST_PAUSE, LONGEST_PAUSE, MOST_TRIES = 5.0, 300.0, 60
LOOK_SECONDS = 1.0


def address_key(address: Address) -> str:
    """Which channel it is, in a file that holds no address."""
    return hashlib.sha256(address.url.encode()).hexdigest()[:16]


class Teller:
    """Tells what waits to be told, each channel once; one that does not take it is asked again, later each time."""

    def __init__(self, memory: Memory, name: str) -> None:
        self._memory, self._name = memory, name
        self._tries: dict[tuple[str, Phase, str], tuple[int, float]] = {}
        self._wake, self._over = threading.Event(), threading.Event()
        self._pool = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="teller")
        self._thread = threading.Thread(target=self._run, name="teller", daemon=True)

    def start(self) -> None:
        """Begin, with what the last watchdog left."""
        self._thread.start()

    def wake(self) -> None:
        """There is something new to tell."""
        self._wake.set()

    def stop(self, seconds: float) -> None:
        """End, after what is on its way for so long at most."""
        self._over.set()
        self._wake.set()
        self._thread.join(seconds)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        while not self._over.is_set():
            self.round()
            self._wake.wait(LOOK_SECONDS)
            self._wake.clear()

    def round(self) -> None:
        """Tell all that is due now."""
        due = [item for item in self._memory.waiting() if self._due(item)]
        list(self._pool.map(lambda item: self._tell(*item), due))

    def _due(self, item: tuple[Alarm, Phase, str]) -> bool:
        alarm, phase, key = item
        return time.monotonic() >= self._tries.get((alarm.id, phase, key), (0, 0.0))[1]

    def _tell(self, alarm: Alarm, phase: Phase, key: str) -> None:
        address = next((one for one in self._memory.addresses(alarm.code) if address_key(one) == key), None)
        if address is None:  # no channel any more
            self._memory.mark(alarm, phase, key, "gave up")
            return
        title, body, severity = words(alarm, phase)
        try:
            deliver(
                address.url,
                title,
                body,
                severity,
                address.silent,
                key=f"watchdog-{alarm.id}-{phase}",
                data={"code": alarm.code, "subject": self._name, "state": phase},
            )
        except ChannelError as error:
            self._again(alarm, phase, key, address, error)
        except Exception:
            # Whatever a channel's library raises: the other channels and later tries go on.
            log.exception("alarm_not_told", channel=address.name, code=alarm.code)
            self._again(alarm, phase, key, address, ChannelError("it broke", permanent=False))
        else:
            self._memory.mark(alarm, phase, key, "told")
            log.info("alarm_told", channel=address.name, code=alarm.code, phase=phase)

    def _again(self, alarm: Alarm, phase: Phase, key: str, address: Address, error: ChannelError) -> None:
        tries = self._tries.get((alarm.id, phase, key), (0, 0.0))[0] + 1
        hopeless = error.permanent or tries >= MOST_TRIES
        tell = log.error if hopeless else log.warning
        tell("alarm_not_told", channel=address.name, code=alarm.code, error=str(error), tries=tries)
        if hopeless:
            self._memory.mark(alarm, phase, key, "gave up")
            return
        pause = max(error.retry_after or 0.0, min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (tries - 1)))
        self._tries[alarm.id, phase, key] = tries, time.monotonic() + pause


def words(alarm: Alarm, phase: Phase) -> tuple[str, str, Any]:
    """Title, body and severity of what a channel is told."""
    title = alarms.title(alarm.code)
    if phase == "began":
        return title, alarms.body(alarm.code, alarm.seen), alarms.BY_CODE[alarm.code].severity
    began, over = datetime.fromisoformat(alarm.began_at), datetime.fromisoformat(alarm.over_at)
    lasted = max(0, round((over - began).total_seconds()))
    text = f"{lasted} s" if lasted < 120 else f"{lasted // 60} min"
    return f"Over: {title}"[:200], f"It lasted {text}, from {began:%Y-%m-%d %H:%M:%S} UTC.", "success"
