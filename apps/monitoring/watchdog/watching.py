"""The watchdog's loop: look, judge, remember, tell, and let the database know."""

import json
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict

import structlog
from django.conf import settings

from apps.monitoring.watchdog import alarms
from apps.monitoring.watchdog.judging import Change, Judge
from apps.monitoring.watchdog.memory import Memory
from apps.monitoring.watchdog.probing import Probes
from apps.monitoring.watchdog.telling import Teller, address_key

log = structlog.get_logger(__name__)

ERRAND_AGAIN_SECONDS = 30.0
ERRAND_SECONDS = 60.0  # it lives for two
STOP_SECONDS = 5.0


class Watchdog:
    """Looks every `interval` seconds, and sooner where a service failed once: two looks in a row decide."""

    def __init__(self, interval: float, memory: Memory | None = None, probes: Probes | None = None) -> None:
        self.interval = interval
        self.memory = memory or Memory()
        self.probes = probes or Probes(patience=min(5.0, max(0.5, interval / 3)))
        self.judge = Judge(interval, is_open=self.memory.open_codes())
        self.teller = Teller(self.memory, settings.SITE_URL)
        self._over = threading.Event()
        self._errand: subprocess.Popen[bytes] | None = None
        self._sent: list[tuple[str, str]] = []
        self._errand_at = self._errand_until = 0.0

    def run(self) -> None:
        """Until `stop`."""
        log.info("watchdog_watches", seconds=self.interval, open_alarms=sorted(self.judge.is_open))
        self.teller.start()
        while not self._over.is_set():
            began = time.monotonic()
            try:
                self.look()
            except Exception:  # the one who watches must not die of what it sees
                log.exception("watchdog_look_failed")
            pause = self.interval / 2 if self.judge.doubts else self.interval
            self._over.wait(max(0.05, began + pause - time.monotonic()))
        self.teller.stop(STOP_SECONDS)
        self.probes.close()

    def stop(self) -> None:
        """End after this look."""
        self._over.set()

    def look(self) -> None:
        """Once."""
        look = self.probes.look()
        self.memory.learn_channels(self.probes.found.book)
        for change in self.judge.judge(look):
            self._act_safely(change)
        self._record(database_answers=not look.errors.get(alarms.DATABASE))

    def _act_safely(self, change: Change) -> None:
        """What breaks with one change takes no other with it, and is judged anew at the next look."""
        try:
            self._act(change)
        except Exception:
            log.exception("watchdog_change_failed", code=change.code, over=change.over)
            remembered = change.code in self.memory.open_codes()
            (self.judge.is_open.add if remembered else self.judge.is_open.discard)(change.code)

    def _act(self, change: Change) -> None:
        addresses = [] if change.over else self.memory.addresses(change.code)
        alarm = self.memory.note(change, [address_key(address) for address in addresses])
        if alarm is None:
            log.warning("alarm_over_unknown", code=change.code)
            return
        if change.over:
            log.warning("alarm_over", code=change.code, began_at=alarm.began_at)
        else:
            log.error("alarm_began", code=change.code, title=alarms.title(change.code), seen=change.seen)
            if not addresses:
                log.error("alarm_without_channel", code=change.code, advice="set ALERT_URLS, or a channel in the admin")
        self.teller.wake()

    # The history --------------------------------------------------------------------------------------------------
    def _record(self, *, database_answers: bool) -> None:
        """Let a process of its own, which knows the rooms, write into the database what it does not know yet."""
        if self._errand is not None:
            self._collect(self._errand)
        todo = self.memory.unrecorded()
        if not todo or not database_answers or self._errand is not None or time.monotonic() < self._errand_at:
            return
        self._errand_at = time.monotonic() + ERRAND_AGAIN_SECONDS
        self._errand_until = time.monotonic() + ERRAND_SECONDS
        self._sent = [(alarm.id, alarm.progress) for alarm in todo]
        with tempfile.TemporaryFile() as file:  # a pipe that is full would hold up the looks
            file.write(json.dumps([asdict(alarm) for alarm in todo]).encode())
            file.seek(0)
            self._errand = subprocess.Popen(  # noqa: S603 - our own command, our own interpreter
                [sys.executable, str(settings.BASE_DIR / "manage.py"), "record_alarms"],
                cwd=settings.BASE_DIR,
                stdin=file,
                stdout=subprocess.DEVNULL,
            )

    def _collect(self, errand: "subprocess.Popen[bytes]") -> None:
        code = errand.poll()
        if code is None:
            if time.monotonic() >= self._errand_until:
                self._errand_until = float("inf")  # said once; it is gone at the next look
                log.error("alarms_errand_hangs", pid=errand.pid, seconds=ERRAND_SECONDS)
                errand.kill()
            return
        self._errand = None
        if code == 0:
            self._errand_at = 0.0
            for alarm_id, progress in self._sent:
                self.memory.mark_recorded(alarm_id, progress)
        else:
            log.warning("alarms_not_recorded", code=code)
