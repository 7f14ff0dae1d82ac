"""Channels of tests: what was delivered, and how the next deliveries end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import time_machine
from django.db.models import TextField, Value

from apps.core.kinds import AlertType
from apps.core.registry import contributed
from apps.notifications.models import AlertChannel
from apps.notifications.services import sending
from apps.notifications.services.sending import send_due

WORKER = AlertType("worker_gone", "A worker is gone", "critical", "Worker {{ subject }} is gone", "Since {{ since }}.")
LATE = AlertType("report_late", "A job is late", "warning", "Job {{ subject }} is late")
NOTE = AlertType("report_made", "A report is there", "info", "{{ subject }} is there", resolves=False)


@dataclass
class Told:
    """One message at a channel."""

    channel: str
    title: str
    body: str
    severity: str
    silent: bool
    key: str


@dataclass
class Channels:
    """In place of `channels.deliver`: notes messages; `ends` makes a delivery fail, or lose its answer."""

    told: list[Told] = field(default_factory=list)
    ends: Callable[[str], Exception | None] = lambda url: None
    lost: bool = False  # it arrives, but the answer does not

    def deliver(self, url: str, title: str, body: str, severity: str, silent: bool, *, key: str, data: Any) -> None:
        failure = self.ends(url)
        name = url.rsplit("/", 1)[-1]
        if failure is None or self.lost:
            self.told.append(Told(name, title, body, severity, silent, key))
        if failure is not None:
            raise failure

    def titles(self, channel: str = "") -> list[str]:
        """What was said, at one channel or at all."""
        return [one.title for one in self.told if channel in ("", one.channel)]


@contextmanager
def alarms() -> Iterator[Channels]:
    """Types to raise, and channels that only note what they are told."""
    channels = Channels()
    with contributed(WORKER, LATE, NOTE), patch.object(sending, "deliver", channels.deliver):
        yield channels


def make_channel(name: str, **fields: Any) -> AlertChannel:
    """A webhook whose messages `Channels` notes under its name."""
    url = f"https://alarms.test/{name}"
    values = {"kind": "webhook", "url": url, "shown_url": "https://alarms.test/…", **fields}
    return AlertChannel.objects.create(name=name, **values)


def lose_key(channel: AlertChannel, token: str = "gAAAAA") -> None:
    """No key opens its address any more."""
    sealed = Value(token, output_field=TextField())  # past the field, which would encrypt it
    AlertChannel.objects.filter(pk=channel.pk).update(url=sealed)


def later(clock: time_machine.Traveller, **span: float) -> None:
    """Let time go by, then look what is due."""
    clock.shift(timedelta(**span))
    send_due()
