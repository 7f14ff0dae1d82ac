"""Alarms: what is told when, and that it is told once."""

from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError

from apps.accounts.models import User
from apps.core.clock import now
from apps.core.errors import ConflictError
from apps.core.kinds import AlertType
from apps.core.registry import RegistryError, contributed
from apps.notifications.channels import ChannelError
from apps.notifications.models import Alert, AlertDelivery, AlertTemplate, EscalationRule, MaintenanceWindow
from apps.notifications.services import windows
from apps.notifications.services.alerts import acknowledge, fire, resolve
from apps.notifications.services.escalating import escalate_due
from apps.notifications.services.sending import MAX_ATTEMPTS, resend, send_due
from tests.common.alarms import make_channel

State = AlertDelivery.State


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel("2027-03-12T09:00:00Z", tick=False) as clock:
        yield clock


@pytest.fixture
def ops(channels):
    return make_channel("ops")


def later(clock, **span):
    clock.shift(timedelta(**span))
    send_due()


def test_an_alarm_is_told_once_however_often_it_is_seen(ops, channels):
    for _look in range(3):
        alert = fire("worker_gone", "w1", {"since": "nine"})
        send_due()
    assert channels.titles() == ["Worker w1 is gone"]
    assert channels.told[0].body.startswith("Since nine.")
    assert f"/admin/notifications/alert/{alert.pk}/change/" in channels.told[0].body
    assert Alert.objects.get().times == 3


def test_its_end_is_told_once(ops, channels, clock):
    fire("worker_gone", "w1")
    send_due()
    clock.shift(timedelta(minutes=3))
    assert resolve("worker_gone", "w1") is True
    assert resolve("worker_gone", "w1") is False
    send_due()
    assert channels.titles() == ["Worker w1 is gone", "Over: Worker w1 is gone"]
    assert channels.told[1].severity == "success"
    assert "3 min" in channels.told[1].body


def test_what_is_unknown_is_refused(channels):
    with pytest.raises(RegistryError):
        fire("unheard_of")


def test_a_beginning_that_waits_is_told_before_the_end(ops, channels, clock):
    channels.ends = lambda url: ChannelError("away", permanent=False)
    fire("worker_gone", "w1")
    send_due()
    clock.shift(timedelta(minutes=1))
    resolve("worker_gone", "w1")
    channels.ends = lambda url: None
    for _look in range(12):
        later(clock, seconds=5)
    assert channels.titles() == ["Worker w1 is gone", "Over: Worker w1 is gone"]
    assert "It is over since 2027-03-12 09:01 UTC." in channels.told[0].body


def test_no_end_is_told_of_what_was_never_told(ops, channels, clock):
    channels.ends = lambda url: ChannelError("answered 404", permanent=True)
    fire("worker_gone", "w1")
    send_due()
    resolve("worker_gone", "w1")
    channels.ends = lambda url: None
    later(clock, minutes=1)
    assert channels.titles() == []


def test_severity_and_type_decide_who_is_told(channels):
    make_channel("all")
    make_channel("grave", least_severity="critical")
    make_channel("jobs", codes=["job_*"])
    make_channel("boss", escalations_only=True)
    make_channel("off", enabled=False)
    fire("worker_gone", "w1")
    fire("job_late", "pulse")
    send_due()
    assert sorted((one.channel, one.title) for one in channels.told) == [
        ("all", "Job pulse is late"),
        ("all", "Worker w1 is gone"),
        ("grave", "Worker w1 is gone"),
        ("jobs", "Job pulse is late"),
    ]


def test_what_is_not_grave_makes_no_sound(channels):
    make_channel("night", rings_from="critical")
    make_channel("mute", rings_from="")
    fire("worker_gone", "w1")
    fire("job_late", "pulse")
    send_due()
    assert {(one.channel, one.severity, one.silent) for one in channels.told} == {
        ("night", "critical", False),
        ("night", "warning", True),
        ("mute", "critical", True),
        ("mute", "warning", True),
    }


def test_an_alarm_that_comes_back_soon_is_the_same_one(ops, channels, clock):
    first = fire("worker_gone", "w1")
    send_due()
    resolve("worker_gone", "w1")
    later(clock, minutes=2)
    again = fire("worker_gone", "w1")
    send_due()
    assert (again.pk, again.episode) == (first.pk, 2)
    assert channels.titles()[-1] == "Again: Worker w1 is gone"
    for _flap in range(5):  # told no more until it has been quiet
        resolve("worker_gone", "w1")
        later(clock, minutes=2)
        fire("worker_gone", "w1")
        later(clock, minutes=2)
    assert len(channels.told) == 3
    resolve("worker_gone", "w1")
    later(clock, minutes=11)
    assert channels.titles()[3:] == ["Over: Worker w1 is gone"]
    assert Alert.objects.count() == 1
    clock.shift(timedelta(minutes=20))
    assert fire("worker_gone", "w1").pk != first.pk


def test_what_got_worse_is_told_also_to_those_it_did_not_concern(channels):
    make_channel("all")
    make_channel("grave", least_severity="critical")
    alert = fire("job_late", "pulse")
    send_due()
    acknowledge(alert, User.objects.create_user("a@example.com"))
    fire("job_late", "pulse", severity="critical")
    fire("job_late", "pulse", severity="critical")
    fire("job_late", "pulse")
    send_due()
    assert channels.titles("all") == ["Job pulse is late", "Worse: Job pulse is late"]
    assert channels.titles("grave") == ["Worse: Job pulse is late"]
    alert.refresh_from_db()
    assert (alert.severity, alert.acknowledged_at, alert.times) == ("critical", None, 4)


def test_one_without_an_end_is_told_once_in_ten_minutes(ops, channels, clock):
    fire("report_made", "Pulse")
    fire("report_made", "Pulse")
    send_due()
    assert channels.titles() == ["Pulse is there"]
    later(clock, minutes=11)
    fire("report_made", "Pulse")
    send_due()
    assert len(channels.told) == 2


def test_the_database_keeps_a_second_one_out(channels):
    fire("worker_gone", "w1")
    with pytest.raises(IntegrityError):
        Alert.objects.create(code="worker_gone", subject="w1", severity="info", title="x")


class TestWithoutChannels:
    def test_superusers_get_mail(self, channels, mailbox):
        User.objects.create_superuser("root@example.com")
        User.objects.create_user("staff@example.com", is_staff=True)
        fire("worker_gone", "w1", {"since": "nine"})
        send_due()
        resolve("worker_gone", "w1")
        send_due()
        assert [(mail.to, mail.subject) for mail in mailbox()] == [
            ("root@example.com", "🔴 Worker w1 is gone"),
            ("root@example.com", "🟢 Over: Worker w1 is gone"),
        ]
        assert "Since nine." in mailbox()[0].text

    def test_an_address_of_the_environment_is_enough(self, channels, settings):
        User.objects.create_superuser("root@example.com")
        settings.ALERT_URLS = ["https://alarms.test/env"]
        fire("worker_gone", "w1")
        send_due()
        assert channels.titles("env") == ["Worker w1 is gone"]

    def test_nobody_at_all_is_said_loudly(self, channels, caplog):
        fire("worker_gone", "w1")
        assert "alert_told_to_nobody" in caplog.text


class TestFailures:
    def test_a_temporary_one_is_tried_again_until_it_works(self, ops, channels, clock):
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

    def test_a_permanent_one_is_not_and_other_channels_are_told(self, ops, channels, clock):
        make_channel("second")
        channels.ends = lambda url: ChannelError("answered 403", permanent=True) if url.endswith("ops") else None
        fire("worker_gone", "w1")
        send_due()
        assert channels.titles("second") == ["Worker w1 is gone", "Alert channel “ops” does not take alarms"]
        assert AlertDelivery.objects.get(channel_name="ops").state == State.DEAD
        channels.ends = lambda url: None
        fire("worker_gone", "w2")
        send_due()
        assert channels.titles("second")[-1] == "Over: Alert channel “ops” does not take alarms"

    def test_it_is_given_up_at_last(self, ops, channels, clock):
        channels.ends = lambda url: ChannelError("answered 502", permanent=False)
        fire("worker_gone", "w1")
        for _attempt in range(MAX_ATTEMPTS + 1):
            later(clock, minutes=31)
        row = AlertDelivery.objects.get(alert__code="worker_gone")
        assert (row.state, row.attempts) == (State.DEAD, MAX_ATTEMPTS)

    def test_while_a_channel_is_away_one_message_at_a_time_tries_it(self, ops, channels):
        tries = []
        channels.ends = lambda url: tries.append(url) or ChannelError("no answer", permanent=False)
        for number in range(5):
            fire("worker_gone", f"w{number}")
        send_due()
        assert len(tries) == 1

    def test_a_dead_worker_leaves_it_to_the_next_and_that_is_told(self, ops, channels, clock):
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

    def test_an_end_is_told_where_the_beginning_may_have_arrived(self, ops, channels, clock):
        channels.lost, channels.ends = True, lambda url: ChannelError("lost", permanent=True, maybe_sent=True)
        fire("worker_gone", "w1")
        send_due()
        channels.lost, channels.ends = False, lambda url: None
        resolve("worker_gone", "w1")
        later(clock, seconds=5)
        assert channels.titles() == ["Worker w1 is gone", "Over: Worker w1 is gone"]

    def test_a_channel_that_was_switched_off_is_told_nothing_more(self, ops, channels):
        fire("worker_gone", "w1")
        ops.enabled = False
        ops.save()
        send_due()
        row = AlertDelivery.objects.get()
        assert (row.state, row.last_error) == (State.SKIPPED, "the channel is gone or switched off")

    def test_staff_send_it_again(self, ops, channels):
        fire("worker_gone", "w1")
        row = AlertDelivery.objects.get()
        with pytest.raises(ConflictError):
            resend(row)
        send_due()
        resend(row)
        send_due()
        keys = [one.key for one in channels.told]
        assert keys == [row.public_id, f"{row.public_id}.1"]  # a receiver takes it for a new one


class TestWindows:
    def window(self, **fields):
        return MaintenanceWindow.objects.create(
            **{"reason": "Upgrade", "starts_at": now(), "ends_at": now() + timedelta(hours=1), **fields}
        )

    def test_what_is_still_open_is_told_after_it(self, ops, channels, clock):
        self.window()
        fire("worker_gone", "w1")
        send_due()
        assert AlertDelivery.objects.get().held
        later(clock, minutes=30)
        assert channels.titles() == []
        later(clock, minutes=31)
        assert channels.titles() == ["Worker w1 is gone"]

    def test_what_is_over_by_then_is_not(self, ops, channels, clock):
        self.window()
        fire("worker_gone", "w1")
        clock.shift(timedelta(minutes=5))
        resolve("worker_gone", "w1")
        later(clock, minutes=60)
        assert channels.titles() == []
        assert AlertDelivery.objects.get().state == State.SKIPPED

    def test_an_end_inside_it_is_told_after_it(self, ops, channels, clock):
        fire("worker_gone", "w1")
        send_due()
        self.window()
        resolve("worker_gone", "w1")
        later(clock, minutes=5)
        assert channels.titles() == ["Worker w1 is gone"]
        later(clock, minutes=56)
        assert channels.titles()[1:] == ["Over: Worker w1 is gone"]

    def test_one_that_comes_back_before_its_end_was_told_is_the_same(self, ops, channels, clock):
        first = fire("worker_gone", "w1")
        send_due()
        self.window()
        resolve("worker_gone", "w1")
        later(clock, minutes=30)
        assert fire("worker_gone", "w1").pk == first.pk
        later(clock, minutes=31)
        assert channels.titles() == ["Worker w1 is gone"]  # nobody heard that it was over

    def test_it_concerns_what_it_names(self, ops, channels):
        self.window(codes=["job_*"])
        self.window(subjects=["w2"])
        fire("worker_gone", "w1")
        fire("worker_gone", "w2")
        fire("job_late", "pulse")
        send_due()
        assert channels.titles() == ["Worker w1 is gone"]

    def test_one_that_is_ended_early_lets_go_at_once(self, ops, channels, clock):
        window = self.window()
        fire("worker_gone", "w1")
        send_due()
        clock.shift(timedelta(minutes=1))
        windows.end_now(window)
        send_due()
        assert channels.titles() == ["Worker w1 is gone"]
        with pytest.raises(ConflictError):
            windows.end_now(window)


class TestEscalation:
    @pytest.fixture
    def rule(self, ops):
        rule = EscalationRule.objects.create(name="boss", after_minutes=15, repeat_minutes=30)
        rule.channels.add(make_channel("boss", escalations_only=True))
        return rule

    def look(self, clock, minutes):
        clock.shift(timedelta(minutes=minutes))
        escalate_due()
        escalate_due()
        send_due()

    def test_what_nobody_looks_after_is_told_further_and_again(self, rule, channels, clock):
        fire("worker_gone", "w1")
        fire("job_late", "pulse")
        self.look(clock, 14)
        assert channels.titles("boss") == []
        self.look(clock, 1)
        assert channels.titles("boss") == ["Nobody has acknowledged: Worker w1 is gone"]
        self.look(clock, 29)
        self.look(clock, 1)
        assert channels.titles("boss")[1:] == ["Still open: Worker w1 is gone"]
        self.look(clock, 300)  # steps that were missed are not made up for
        assert len(channels.titles("boss")) == 3
        resolve("worker_gone", "w1")
        send_due()
        assert channels.titles("boss")[-1] == "Over: Worker w1 is gone"
        assert channels.titles("ops").count("Over: Worker w1 is gone") == 1

    def test_an_acknowledged_one_is_not(self, rule, channels, clock, staff):
        alert = fire("worker_gone", "w1")
        acknowledge(alert, staff)
        with pytest.raises(ConflictError):
            acknowledge(alert, staff)
        self.look(clock, 60)
        assert channels.titles("boss") == []

    def test_without_channels_of_its_own_those_are_told_that_were(self, rule, channels, clock):
        rule.channels.clear()
        fire("worker_gone", "w1")
        self.look(clock, 16)
        assert channels.titles("ops") == ["Worker w1 is gone", "Nobody has acknowledged: Worker w1 is gone"]

    def test_one_acknowledged_before_it_was_sent_is_not_needed(self, rule, channels, clock, staff):
        alert = fire("worker_gone", "w1")
        clock.shift(timedelta(minutes=16))
        escalate_due()
        acknowledge(alert, staff)
        send_due()
        assert channels.titles("boss") == []

    def test_no_rule_looks_into_a_window(self, rule, channels, clock):
        fire("worker_gone", "w1")
        MaintenanceWindow.objects.create(reason="x", starts_at=now(), ends_at=now() + timedelta(hours=1))
        self.look(clock, 30)
        assert channels.titles("boss") == []


class TestWords:
    def test_staff_have_their_own(self, ops, channels):
        AlertTemplate.objects.create(code="worker_gone", title="{{ subject|upper }}!", detail="See {{ since }}")
        fire("worker_gone", "w1", {"since": "nine"})
        send_due()
        assert (channels.told[0].title, channels.told[0].body[:8]) == ("W1!", "See nine")

    @pytest.mark.parametrize(
        "title", ["{% nonsense %}", "{{ missing }}", "{{ since|add }}", "{% include 'base.html' %}"]
    )
    def test_broken_ones_are_left_aside_and_it_is_said(self, ops, channels, title):
        own = AlertTemplate.objects.create(code="worker_gone", title=title)
        fire("worker_gone", "w1", {"since": "nine"})
        send_due()
        assert channels.titles() == ["Worker w1 is gone"]
        assert "staff's template for this type is broken" in channels.told[0].body
        own.refresh_from_db()
        assert own.broken
        AlertTemplate.objects.update(title="Fine")
        fire("worker_gone", "w2")
        own.refresh_from_db()
        assert own.broken == ""

    def test_the_code_s_own_may_be_broken_too(self, ops, channels, caplog):
        with contributed(AlertType("odd", "Something odd", "info", "{{ subject|add }}")):
            fire("odd", "w1")
            send_due()
        assert channels.titles() == ["Something odd: w1"]
        assert "alert_words_broken" in caplog.text
