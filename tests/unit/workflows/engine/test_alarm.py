"""The alarm rings when its moments come, whatever became of earlier rings."""

import threading

from apps.core.clock import now
from apps.workflows.engine import alarm


def test_it_outlives_a_ring_that_failed(monkeypatch):
    rung = threading.Event()
    outcomes = [RuntimeError("away"), None]

    def ring(_task):
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome
        rung.set()

    monkeypatch.setattr(alarm, "ring_once_now", ring)
    clock = alarm.Alarm()
    clock.set(now())
    clock.set(now())
    assert rung.wait(10)
    assert outcomes == []
