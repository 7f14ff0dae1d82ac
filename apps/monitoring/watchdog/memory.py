"""What the watchdog remembers over its own death: which alarms are open and who was told, and the channels.

Two small files in LEVQOR_VAR/watchdog, each replaced in one step: whoever is killed leaves the old or the new one.
"""

import json
import os
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import structlog
from django.conf import settings

from apps.core.clock import now
from apps.core.crypto import DecryptionError, decrypt
from apps.core.ids import new_id
from apps.monitoring.watchdog.judging import Change
from apps.notifications.channels import Address

log = structlog.get_logger(__name__)

Phase = Literal["began", "over"]
Told = Literal["waits", "told", "gave up"]
MOST_OVER = 50  # ended alarms that somebody is still to hear of: the oldest go first. Open ones are all kept


def _book(told: Any) -> dict[str, list[Address]]:
    """Whom to tell of each alarm, from the channels as `services.outages.tell_channels` writes them."""
    found: dict[str, list[Address]] = {}
    for name, url, rings, silent in told["channels"]:
        for codes, quietly in ((rings, False), (silent, True)):
            for code in codes:
                found.setdefault(code, []).append(Address(name, url, quietly))
    return found


@dataclass
class Alarm:
    """One alarm, from its beginning until everybody knows of its end. Times are ISO texts of the wall clock."""

    id: str
    code: str
    seen: str
    began_at: str
    over_at: str = ""
    began_told: dict[str, Told] = field(default_factory=dict)  # by the channel's address key
    over_told: dict[str, Told] = field(default_factory=dict)
    recorded: str = ""  # up to which progress the database knows of it

    @property
    def phase(self) -> Phase:
        """How far it has come."""
        return "over" if self.over_at else "began"

    @property
    def progress(self) -> str:
        """How far it has come, and whether all who are to hear of that did."""
        told = self.over_told if self.over_at else self.began_told
        return self.phase if "waits" in told.values() else f"{self.phase}, told"

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do about it."""
        waits = "waits" in (*self.began_told.values(), *self.over_told.values())
        return bool(self.over_at) and not waits and self.recorded == self.progress


class Memory:
    """The alarms and the channels' book. Its methods may be called from any thread."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path(settings.VAR_DIR) / "watchdog"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self.alarms: list[Alarm] = self._read_alarms()
        self._token = ""
        self._book: dict[str, list[Address]] = {}
        self.learn_channels(self._read("channels"), save=False)

    # Alarms -------------------------------------------------------------------------------------------------------
    def open_codes(self) -> set[str]:
        """The alarms that have begun and not ended."""
        return {alarm.code for alarm in self.alarms if not alarm.over_at}

    def note(self, change: Change, tell: list[str]) -> Alarm | None:
        """Write down that an alarm began or ended, and which channels are to be told, before anybody is.

        None: one ended of which nothing is known, such as after the file was lost.
        """
        with self._lock:
            if change.over:
                alarm = next((alarm for alarm in self.alarms if alarm.code == change.code and not alarm.over_at), None)
                if alarm is None:
                    return None
                alarm.over_at = now().isoformat()
                alarm.over_told = {key: "waits" for key, told in alarm.began_told.items() if told != "gave up"}
            else:
                began_told: dict[str, Told] = dict.fromkeys(tell, "waits")
                alarm = Alarm(new_id().hex, change.code, change.seen, now().isoformat(), began_told=began_told)
                self.alarms.append(alarm)
            self.save()
        return alarm

    def mark(self, alarm: Alarm, phase: Phase, key: str, told: Told) -> None:
        """A channel was told, or will not be. Whoever never heard of the beginning hears of no end."""
        with self._lock:
            (alarm.began_told if phase == "began" else alarm.over_told)[key] = told
            if phase == "began" and told == "gave up":
                alarm.over_told.pop(key, None)
            self.save()

    def mark_recorded(self, alarm_id: str, progress: str) -> None:
        """The database knows of it."""
        with self._lock:
            for alarm in self.alarms:
                if alarm.id == alarm_id:
                    alarm.recorded = progress
            self.save()

    def unrecorded(self) -> list[Alarm]:
        """What the database does not know yet."""
        return [alarm for alarm in self.alarms if alarm.recorded != alarm.progress]

    def waiting(self) -> list[tuple[Alarm, Phase, str]]:
        """Who is still to be told what; of an end only whoever was told of the beginning."""
        with self._lock:
            began: list[tuple[Alarm, Phase, str]] = [
                (alarm, "began", key)
                for alarm in self.alarms
                for key, told in alarm.began_told.items()
                if told == "waits"
            ]
            over: list[tuple[Alarm, Phase, str]] = [
                (alarm, "over", key)
                for alarm in self.alarms
                for key, told in alarm.over_told.items()
                if told == "waits" and alarm.began_told.get(key) == "told"
            ]
        return began + over

    def save(self) -> None:
        """To the disk. A disk that is full must not silence alarms."""
        with self._lock:
            over = [alarm.id for alarm in self.alarms if alarm.over_at and not alarm.settled]
            kept = set(over[-MOST_OVER:])
            self.alarms = [alarm for alarm in self.alarms if not alarm.over_at or alarm.id in kept]
            self._write("alarms.json", json.dumps([asdict(alarm) for alarm in self.alarms]))

    def _read_alarms(self) -> list[Alarm]:
        try:
            return [Alarm(**item) for item in json.loads(self._read("alarms.json") or "[]")]
        except (ValueError, TypeError) as error:
            log.error("watchdog_state_unreadable", error=str(error))
            return []

    # Channels -----------------------------------------------------------------------------------------------------
    def learn_channels(self, token: str, *, save: bool = True) -> None:
        """Take the book as the database has it: encrypted, and kept so on the disk."""
        if not token or token == self._token:
            return
        try:
            self._book = _book(json.loads(decrypt(token)))
        except (DecryptionError, ValueError, TypeError, LookupError) as error:
            log.error("watchdog_channels_unreadable", error=f"{type(error).__name__}: {error}")
            return
        self._token = token
        if save:
            self._write("channels", token)

    def addresses(self, code: str) -> list[Address]:
        """Where an alarm goes: the channels that the platform named last, and those of the environment in any case."""
        found = {address.url: address for address in self._book.get(code, [])}
        for url in settings.ALERT_URLS:
            found.setdefault(url, Address("", url))
        return list(found.values())

    # Files --------------------------------------------------------------------------------------------------------
    def _read(self, name: str) -> str:
        try:
            return (self._folder / name).read_text()
        except FileNotFoundError:
            return ""
        except OSError as error:
            log.error("watchdog_file_unreadable", file=name, error=str(error))
            return ""

    def _write(self, name: str, text: str) -> None:
        path, aside = self._folder / name, self._folder / f"{name}.new"
        try:
            with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        except OSError as error:
            log.error("watchdog_file_not_written", file=name, error=str(error))
