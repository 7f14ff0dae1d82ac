"""Channels whose address no key opens: they keep no alarm from the others, and somebody hears of it."""

import pytest

from apps.accounts.models import User
from apps.core.clock import now
from apps.notifications import routing
from apps.notifications.health import alert_channels
from apps.notifications.models import Alert, AlertChannel, AlertDelivery, EscalationRule
from apps.notifications.services.alerts import fire, resolve
from apps.notifications.services.escalating import escalate_due
from apps.notifications.services.sending import send_due
from apps.notifications.tasks import escalate_alerts
from tests.common.alarms import later, lose_key, make_channel

State = AlertDelivery.State
FAILING = "Alarm channel “ops” does not take alarms"


@pytest.fixture(autouse=True)
def nothing_was_said(monkeypatch):
    monkeypatch.setattr(routing, "_said", {})


@pytest.mark.parametrize("token", ["gAAAAA", "nö token"])
def test_the_others_are_told_all_the_same(ops, channels, caplog, token):
    make_channel("second")
    lose_key(ops, token)
    for worker in ("w1", "w2"):
        fire("worker_gone", worker)
    send_due()
    assert channels.titles() == ["Worker w1 is gone", "Worker w2 is gone"]
    assert caplog.text.count("alert_channel_unreadable") == 1, "said once an hour, not at every look"


def test_superusers_get_mail_where_no_other_is_left(ops, channels, mailbox, caplog):
    User.objects.create_superuser("root@example.com")
    lose_key(ops)
    for worker in ("w1", "w2"):
        fire("worker_gone", worker)
    send_due()
    assert [mail.subject for mail in mailbox()] == ["🔴 Worker w1 is gone", "🔴 Worker w2 is gone"]
    assert caplog.text.count("alert_channels_missing") == 1


def test_it_is_marked_and_told_by_the_others_until_it_is_read_again(ops, channels):
    make_channel("second")
    lose_key(ops)
    escalate_alerts()
    escalate_alerts()
    send_due()
    ops.refresh_from_db(fields=["failing_since", "last_error"])
    assert (ops.failing_since, ops.last_error) == (now(), "no key in ENCRYPTION_KEYS opens its address")
    assert channels.titles() == [FAILING]
    assert alert_channels() == ("failed", "No key opens the address of these channels: ops.")
    ops.url = "https://alarms.test/ops"
    ops.save(update_fields=["url"])
    escalate_alerts()
    send_due()
    ops.refresh_from_db()
    assert (ops.failing_since, ops.last_error) == (None, "")
    assert channels.titles() == [FAILING, f"Over: {FAILING}"]


def test_what_is_on_its_way_waits_for_the_key(ops, channels, clock):
    fire("worker_gone", "w1")
    lose_key(ops)
    send_due()
    row = AlertDelivery.objects.get()
    assert (row.state, row.last_error) == (State.PENDING, "no key in ENCRYPTION_KEYS opens its address")
    resolve("worker_gone", "w1")
    AlertChannel.objects.update(url="https://alarms.test/ops")
    later(clock, minutes=1)
    later(clock, minutes=1)
    assert channels.titles() == ["Worker w1 is gone", "Over: Worker w1 is gone"]


def test_escalation_goes_to_channels_that_can_be_read_else_to_superusers(ops, channels, clock, mailbox):
    User.objects.create_superuser("root@example.com")
    boss, other = make_channel("boss", escalations_only=True), make_channel("other", escalations_only=True)
    rule = EscalationRule.objects.create(name="boss", after_minutes=15, repeat_minutes=30)
    rule.channels.add(boss, other)
    lose_key(boss)
    fire("worker_gone", "w1")
    clock.shift(15 * 60)
    escalate_due()
    send_due()
    assert (channels.titles("other"), mailbox()) == (["Nobody has acknowledged: Worker w1 is gone"], [])
    lose_key(other)
    clock.shift(30 * 60)
    escalate_due()
    send_due()
    assert [mail.subject for mail in mailbox()] == ["🔴 Still open: Worker w1 is gone"]
    assert Alert.objects.count() == 1
