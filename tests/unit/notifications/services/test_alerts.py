"""Alarms: what is told when, and that it is told once."""

from datetime import timedelta

import pytest
from django.db import IntegrityError

from apps.accounts.models import User
from apps.core.kinds import AlertType
from apps.core.registry import RegistryError, contributed
from apps.notifications.channels import ChannelError
from apps.notifications.models import Alert, AlertDelivery, AlertTemplate
from apps.notifications.services.alerts import acknowledge, fire, resolve
from apps.notifications.services.sending import send_due
from tests.common.alarms import later, make_channel

State = AlertDelivery.State


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
    make_channel("jobs", codes=["report_*"])
    make_channel("boss", escalations_only=True)
    make_channel("off", enabled=False)
    fire("worker_gone", "w1")
    fire("report_late", "pulse")
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
    fire("report_late", "pulse")
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
    alert = fire("report_late", "pulse")
    send_due()
    acknowledge(alert, User.objects.create_user("a@example.com"))
    fire("report_late", "pulse", severity="critical")
    fire("report_late", "pulse", severity="critical")
    fire("report_late", "pulse")
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
