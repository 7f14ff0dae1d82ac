"""Times in which alarms are recorded and not told."""

from datetime import timedelta

import pytest

from apps.core.clock import now
from apps.core.errors import ConflictError
from apps.notifications.models import AlertDelivery, MaintenanceWindow
from apps.notifications.services import windows
from apps.notifications.services.alerts import fire, resolve
from apps.notifications.services.sending import send_due
from tests.common.alarms import later

State = AlertDelivery.State


def window_now(**fields):
    return MaintenanceWindow.objects.create(
        **{"reason": "Upgrade", "starts_at": now(), "ends_at": now() + timedelta(hours=1), **fields}
    )


def test_what_is_still_open_is_told_after_it(ops, channels, clock):
    window_now()
    fire("worker_gone", "w1")
    send_due()
    assert AlertDelivery.objects.get().held
    later(clock, minutes=30)
    assert channels.titles() == []
    later(clock, minutes=31)
    assert channels.titles() == ["Worker w1 is gone"]


def test_what_is_over_by_then_is_not(ops, channels, clock):
    window_now()
    fire("worker_gone", "w1")
    clock.shift(timedelta(minutes=5))
    resolve("worker_gone", "w1")
    later(clock, minutes=60)
    assert channels.titles() == []
    assert AlertDelivery.objects.get().state == State.SKIPPED


def test_an_end_inside_it_is_told_after_it(ops, channels, clock):
    fire("worker_gone", "w1")
    send_due()
    window_now()
    resolve("worker_gone", "w1")
    later(clock, minutes=5)
    assert channels.titles() == ["Worker w1 is gone"]
    later(clock, minutes=56)
    assert channels.titles()[1:] == ["Over: Worker w1 is gone"]


def test_one_that_comes_back_before_its_end_was_told_is_the_same(ops, channels, clock):
    first = fire("worker_gone", "w1")
    send_due()
    window_now()
    resolve("worker_gone", "w1")
    later(clock, minutes=30)
    assert fire("worker_gone", "w1").pk == first.pk
    later(clock, minutes=31)
    assert channels.titles() == ["Worker w1 is gone"]  # nobody heard that it was over


def test_it_concerns_what_it_names(ops, channels):
    window_now(codes=["report_*"])
    window_now(subjects=["w2"])
    fire("worker_gone", "w1")
    fire("worker_gone", "w2")
    fire("report_late", "pulse")
    send_due()
    assert channels.titles() == ["Worker w1 is gone"]


def test_one_that_is_ended_early_lets_go_at_once(ops, channels, clock):
    window = window_now()
    fire("worker_gone", "w1")
    send_due()
    clock.shift(timedelta(minutes=1))
    windows.end_now(window)
    send_due()
    assert channels.titles() == ["Worker w1 is gone"]
    with pytest.raises(ConflictError):
        windows.end_now(window)
