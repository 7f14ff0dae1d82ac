"""What nobody acknowledges."""

from datetime import timedelta

import pytest

from apps.core.clock import now
from apps.core.errors import ConflictError
from apps.notifications.models import AlertDelivery, EscalationRule, MaintenanceWindow
from apps.notifications.services.alerts import acknowledge, fire, resolve
from apps.notifications.services.escalating import escalate_due
from apps.notifications.services.sending import send_due
from tests.common.alarms import make_channel

State = AlertDelivery.State


@pytest.fixture
def rule(ops):
    rule = EscalationRule.objects.create(name="boss", after_minutes=15, repeat_minutes=30)
    rule.channels.add(make_channel("boss", escalations_only=True))
    return rule


def look(clock, minutes):
    clock.shift(timedelta(minutes=minutes))
    escalate_due()
    escalate_due()
    send_due()


def test_what_nobody_looks_after_is_told_further_and_again(rule, channels, clock):
    fire("worker_gone", "w1")
    fire("report_late", "pulse")
    look(clock, 14)
    assert channels.titles("boss") == []
    look(clock, 1)
    assert channels.titles("boss") == ["Nobody has acknowledged: Worker w1 is gone"]
    look(clock, 29)
    look(clock, 1)
    assert channels.titles("boss")[1:] == ["Still open: Worker w1 is gone"]
    look(clock, 300)  # steps that were missed are not made up for
    assert len(channels.titles("boss")) == 3
    resolve("worker_gone", "w1")
    send_due()
    assert channels.titles("boss")[-1] == "Over: Worker w1 is gone"
    assert channels.titles("ops").count("Over: Worker w1 is gone") == 1


def test_an_acknowledged_one_is_not(rule, channels, clock, staff):
    alert = fire("worker_gone", "w1")
    acknowledge(alert, staff)
    with pytest.raises(ConflictError):
        acknowledge(alert, staff)
    look(clock, 60)
    assert channels.titles("boss") == []


def test_one_that_comes_back_is_nobody_s_again_and_counts_anew(rule, channels, clock, staff):
    alert = fire("worker_gone", "w1")
    acknowledge(alert, staff)
    look(clock, 60)
    resolve("worker_gone", "w1")
    look(clock, 5)
    again = fire("worker_gone", "w1")
    assert (again.pk, again.acknowledged_at, again.acknowledged_by) == (alert.pk, None, None)
    look(clock, 14)
    assert channels.titles("boss") == []
    look(clock, 1)
    assert channels.titles("boss") == ["Nobody has acknowledged: Worker w1 is gone"]
    resolve("worker_gone", "w1")
    look(clock, 5)
    fire("worker_gone", "w1")
    look(clock, 15)
    assert channels.titles("boss")[1:] == ["Nobody has acknowledged: Worker w1 is gone"]
    look(clock, 30)
    assert channels.titles("boss")[2:] == ["Still open: Worker w1 is gone"]


def test_without_channels_of_its_own_those_are_told_that_were(rule, channels, clock):
    rule.channels.clear()
    fire("worker_gone", "w1")
    look(clock, 16)
    assert channels.titles("ops") == ["Worker w1 is gone", "Nobody has acknowledged: Worker w1 is gone"]


def test_where_all_of_its_own_are_off_those_are_told_that_were(rule, channels, clock):
    rule.channels.update(enabled=False)
    fire("worker_gone", "w1")
    look(clock, 16)
    assert channels.titles() == ["Worker w1 is gone", "Nobody has acknowledged: Worker w1 is gone"]
    look(clock, 30)
    assert channels.titles("ops")[2:] == ["Still open: Worker w1 is gone"]
    rule.channels.update(enabled=True)
    look(clock, 30)
    assert channels.titles("boss") == ["Still open: Worker w1 is gone"]


def test_one_acknowledged_before_it_was_sent_is_not_needed(rule, channels, clock, staff):
    alert = fire("worker_gone", "w1")
    clock.shift(timedelta(minutes=16))
    escalate_due()
    acknowledge(alert, staff)
    send_due()
    assert channels.titles("boss") == []


def test_no_rule_looks_into_a_window(rule, channels, clock):
    fire("worker_gone", "w1")
    MaintenanceWindow.objects.create(reason="x", starts_at=now(), ends_at=now() + timedelta(hours=1))
    look(clock, 30)
    assert channels.titles("boss") == []
