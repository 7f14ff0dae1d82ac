"""Signs of life of processes, and what they say."""

import threading
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from celery.signals import worker_ready, worker_shutdown
from django.db import OperationalError, connection

from apps.core import heartbeat, tasks
from apps.core.models import Heartbeat

pytestmark = pytest.mark.django_db


def test_beats_rise_and_processes_are_told_apart() -> None:
    for _number in range(3):
        heartbeat.sign("worker", "a@host")
    heartbeat.sign("worker", "b@host")
    heartbeat.sign("beat", "host")
    found = Heartbeat.objects.values_list("process", "name", "beats")
    assert sorted(found) == [("beat", "host", 1), ("worker", "a@host", 3), ("worker", "b@host", 1)]
    assert heartbeat.alive("worker") == ["a@host", "b@host"]
    assert heartbeat.is_fresh("beat")
    assert not heartbeat.is_fresh("task"), "no task was done"


def test_what_a_process_says_is_kept_encrypted_until_it_says_more() -> None:
    heartbeat.sign("channels", told="tgram://key")
    heartbeat.sign("channels")
    row = Heartbeat.objects.get()
    assert (row.told, row.beats) == ("tgram://key", 2)
    with connection.cursor() as cursor:
        cursor.execute("SELECT told FROM core_heartbeat")
        assert "tgram" not in cursor.fetchone()[0]


def test_what_is_too_long_is_refused_whole() -> None:
    heartbeat.sign("channels", told="short")
    for name in ("", "new"):
        with pytest.raises(ValueError, match="too long"):
            heartbeat.sign("channels", name, told="x" * (heartbeat.LONGEST_TOLD + 1))
    assert [row.told for row in Heartbeat.objects.all()] == ["short"]


def test_old_signs_go() -> None:
    with time_machine.travel("2026-05-01T12:00Z", tick=False) as clock:
        heartbeat.sign("worker", "old")
        clock.shift(timedelta(hours=20))
        heartbeat.sign("worker", "new")
        assert heartbeat.alive("worker") == ["new"]
        clock.shift(timedelta(hours=5))
        heartbeat.forget(heartbeat.now())
    assert list(Heartbeat.objects.values_list("name", flat=True)) == ["new"]


def test_a_worker_signs_from_a_thread_of_its_own_whatever_the_database_does() -> None:
    signed, many, turns = threading.Event(), threading.Event(), []

    def sign(process: str, name: str) -> None:
        turns.append((process, name))
        signed.set()
        if len(turns) == 1:
            raise OperationalError("away")
        many.set()

    left: list[tuple[str, str]] = []
    with (
        patch.object(heartbeat, "sign", sign),
        patch.object(heartbeat, "leave", lambda *who: left.append(who)),
        patch.object(heartbeat, "sign_seconds", lambda: 0.01),
        patch.object(heartbeat, "close_old_connections"),
        patch.object(heartbeat, "connection"),
    ):
        pulse = heartbeat.Pulse("worker", "w@host")
        pulse.start()
        assert many.wait(10)
        pulse.stop()
        pulse.join(10)
    assert turns[0] == ("worker", "w@host")
    assert left == [("worker", "w@host")], "it says goodbye"
    assert pulse.daemon, "it ends with its process"


def test_a_goodbye_takes_away_nobody_elses_sign() -> None:
    for process, name in (("worker", "a"), ("worker", "b"), ("beat", "a")):
        heartbeat.sign(process, name)  # type: ignore[arg-type] # names of processes
    heartbeat.leave("worker", "a")
    assert sorted(Heartbeat.objects.values_list("process", "name")) == [("beat", "a"), ("worker", "b")]


def test_a_worker_that_is_ready_begins_to_show_it_and_says_goodbye_at_its_end() -> None:
    class Consumer:
        hostname = "worker@here"

    happened: list[Any] = []
    with (
        patch.object(tasks, "_pulse", None),
        patch.object(heartbeat.Pulse, "start", lambda self: happened.append(self._name)),
        patch.object(heartbeat.Pulse, "stop", lambda self: happened.append("stops")),
    ):
        worker_shutdown.send(sender=None)  # before it was ready
        worker_ready.send(sender=Consumer())
        worker_shutdown.send(sender=None)
    assert happened == ["worker@here", "stops"]
