"""Channels that are away, refuse, or answer too late; workers that die."""

from contextlib import suppress

import pytest

from apps.core.clock import now
from apps.core.errors import ConflictError
from apps.notifications.channels import ChannelError
from apps.notifications.models import AlertDelivery
from apps.notifications.services.alerts import fire, resolve
from apps.notifications.services.sending import MAX_ATTEMPTS, resend, send_due
from tests.common.alarms import later, make_channel

State = AlertDelivery.State


def test_a_temporary_one_is_tried_again_until_it_works(ops, channels, clock):
    fails = iter([ChannelError("answered 502", permanent=False, maybe_sent=True)] * 2)
    channels.ends = lambda url: next(fails, None)
    fire("worker_gone", "w1")
    send_due()
    ops.refresh_from_db()
    assert (ops.last_error, ops.failing_since) == ("answered 502", now())
    for _look in range(10):
        later(clock, seconds=20)
    row = AlertDelivery.objects.get()
    assert (row.state, row.attempts, row.uncertain) == (State.SENT, 3, True)
    assert len({one.key for one in channels.told}) == len(channels.told) == 1
    ops.refresh_from_db()
    assert (ops.last_error, ops.failing_since) == ("", None)


def test_a_permanent_one_is_not_and_other_channels_are_told(ops, channels, clock):
    make_channel("second")
    channels.ends = lambda url: ChannelError("answered 403", permanent=True) if url.endswith("ops") else None
    fire("worker_gone", "w1")
    send_due()
    assert channels.titles("second") == ["Worker w1 is gone", "Alarm channel “ops” does not take alarms"]
    assert AlertDelivery.objects.get(channel_name="ops").state == State.DEAD
    channels.ends = lambda url: None
    fire("worker_gone", "w2")
    send_due()
    assert channels.titles("second")[-1] == "Over: Alarm channel “ops” does not take alarms"


def test_it_is_given_up_at_last(ops, channels, clock):
    channels.ends = lambda url: ChannelError("answered 502", permanent=False)
    fire("worker_gone", "w1")
    for _attempt in range(MAX_ATTEMPTS + 1):
        later(clock, minutes=31)
    row = AlertDelivery.objects.get(alert__code="worker_gone")
    assert (row.state, row.attempts) == (State.DEAD, MAX_ATTEMPTS)


def test_while_a_channel_is_away_one_message_at_a_time_tries_it(ops, channels):
    tries = []
    channels.ends = lambda url: tries.append(url) or ChannelError("no answer", permanent=False)
    for number in range(5):
        fire("worker_gone", f"w{number}")
    send_due()
    assert len(tries) == 1


def test_a_dead_worker_leaves_it_to_the_next_and_that_is_told(ops, channels, clock):
    def dies(url):
        raise SystemExit

    fire("worker_gone", "w1")
    channels.ends = dies
    with pytest.raises(SystemExit):
        send_due()
    assert send_due() == 0  # still under its lease
    channels.ends = lambda url: None
    later(clock, seconds=31)
    row = AlertDelivery.objects.get()
    assert (row.state, row.attempts, row.uncertain) == (State.SENT, 2, True)


def test_a_message_that_kills_its_workers_is_given_up_and_the_others_hear_of_it(ops, channels, clock, caplog):
    make_channel("second")

    def dies(url):
        if url.endswith("ops"):
            raise SystemExit

    channels.ends = dies
    fire("worker_gone", "w1")
    for _attempt in range(MAX_ATTEMPTS):
        with suppress(SystemExit):
            send_due()
        clock.shift(31)
    send_due()
    row = AlertDelivery.objects.get(channel_name="ops")
    assert (row.state, row.attempts, row.last_error) == (
        State.DEAD, MAX_ATTEMPTS, "the worker died during the last attempt",
    )  # fmt: skip
    send_due()
    assert channels.titles("second") == ["Worker w1 is gone", "Alarm channel “ops” does not take alarms"]
    assert "alert_not_sent" in caplog.text


def test_a_beginning_that_may_have_arrived_is_not_told_after_what_is_worse(ops, channels, clock):
    def dies(url):
        raise SystemExit

    fire("report_late", "pulse")
    channels.ends = dies
    with pytest.raises(SystemExit):
        send_due()
    fire("report_late", "pulse", severity="critical")
    channels.ends = lambda url: None
    later(clock, seconds=31)
    assert channels.titles() == ["Worse: Job pulse is late"]
    beginning = AlertDelivery.objects.get(kind="fired")
    assert (beginning.state, beginning.last_error) == (State.SKIPPED, "overtaken by what came after")
    AlertDelivery.objects.filter(pk=beginning.pk).update(state=State.DEAD)
    resend(beginning)
    send_due()
    assert channels.titles()[1:] == ["Job pulse is late"], "staff asked for it"


def test_an_end_is_told_where_the_beginning_may_have_arrived(ops, channels, clock):
    channels.lost, channels.ends = True, lambda url: ChannelError("lost", permanent=True, maybe_sent=True)
    fire("worker_gone", "w1")
    send_due()
    channels.lost, channels.ends = False, lambda url: None
    resolve("worker_gone", "w1")
    later(clock, seconds=5)
    assert channels.titles() == ["Worker w1 is gone", "Over: Worker w1 is gone"]


def test_a_channel_that_was_switched_off_is_told_nothing_more(ops, channels):
    fire("worker_gone", "w1")
    ops.enabled = False
    ops.save()
    send_due()
    row = AlertDelivery.objects.get()
    assert (row.state, row.last_error) == (State.SKIPPED, "the channel is gone or switched off")


def test_staff_send_it_again(ops, channels):
    fire("worker_gone", "w1")
    row = AlertDelivery.objects.get()
    with pytest.raises(ConflictError):
        resend(row)
    send_due()
    resend(row)
    send_due()
    keys = [one.key for one in channels.told]
    assert keys == [row.public_id, f"{row.public_id}.1"]  # a receiver takes it for a new one
