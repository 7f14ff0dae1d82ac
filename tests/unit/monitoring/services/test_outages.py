"""The watchdog's alarms as history: written once, sent by nobody else."""

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command

from apps.core.clock import now
from apps.core.crypto import encrypt
from apps.core.heartbeat import sign
from apps.core.models import Heartbeat
from apps.monitoring.services.job_alarms import watchdog_alive
from apps.monitoring.services.outages import record, tell_channels
from apps.monitoring.watchdog.alarms import ALARMS, body, title
from apps.monitoring.watchdog.memory import Memory
from apps.monitoring.watchdog.telling import address_key
from apps.notifications import routing
from apps.notifications.channels import Address
from apps.notifications.models import (
    Alert,
    AlertChannel,
    AlertDelivery,
    AlertTemplate,
    EscalationRule,
    MaintenanceWindow,
)
from apps.notifications.services import alerts, windows
from apps.notifications.services.escalating import escalate_due
from apps.notifications.services.sending import send_due
from apps.notifications.wording import words_of
from tests.common.alarms import Channels, alarms, make_channel

pytestmark = pytest.mark.django_db


@pytest.fixture
def channels() -> Iterator[Channels]:
    with alarms() as found:
        yield found


def told(**changes: Any) -> dict[str, Any]:
    return {
        "code": "worker_down",
        "seen": "Its last sign of life came 20 seconds ago.",
        "began_at": "2026-05-01T12:00:00+00:00",
        "over_at": "",
        **changes,
    }


def test_an_alarm_and_its_end_are_one_row_and_no_delivery() -> None:
    AlertChannel.objects.create(
        name="Ops", kind="webhook", url="https://ops.example/x", shown_url="https://ops.example/…"
    )
    assert record([told()]) == 1
    alert = Alert.objects.get()
    assert (alert.is_open, alert.severity, alert.title) == (True, "critical", "No worker gives a sign of life")
    assert "20 seconds ago" in alert.detail
    record([told()])
    record([told(over_at="2026-05-01T12:05:00+00:00")])
    alert = Alert.objects.get()
    assert (alert.resolved_at - alert.began_at).total_seconds() == 300
    assert not AlertDelivery.objects.exists(), "the watchdog told the channels itself"


def test_staff_see_whom_the_watchdog_told(channels: Channels) -> None:
    make_channel("ops")
    make_channel("boss")
    keys = {route.name: address_key(Address(route.name, route.url)) for route in routing.routes()}
    record([told(began_told={keys["ops"]: "waits", "gone-long-ago": "told"})])
    assert Alert.objects.get().data["told_by_the_watchdog"] == ["ops (waits)"]
    record([told(began_told={keys["ops"]: "told", keys["boss"]: "gave up"})])
    assert Alert.objects.get().data["told_by_the_watchdog"] == ["boss (gave up)", "ops"]


def test_an_outage_of_the_database_is_written_down_when_it_is_over() -> None:
    record([told(code="database_down", over_at="2026-05-01T12:05:00+00:00")])
    assert not Alert.objects.get().is_open


def test_an_older_one_that_was_left_open_ends_with_the_next() -> None:
    record([told()])
    record([told(began_at="2026-05-02T12:00:00+00:00")])
    assert Alert.objects.filter(resolved_at=None).count() == 1
    assert Alert.objects.count() == 2


def test_a_second_watchdog_adds_nothing_and_no_unknown_alarm_is_taken() -> None:
    record([told()])
    assert record([told(began_at="2026-05-01T11:59:59+00:00")]) == 0
    assert record([told(code="job_late")]) == 0
    assert Alert.objects.count() == 1


def test_what_staff_end_by_hand_is_not_sent_either() -> None:
    record([told()])
    alerts.resolve("worker_down")
    assert not AlertDelivery.objects.exists()


class TestEscalation:
    """What nobody acknowledges is told further from the database, as any alarm."""

    @pytest.fixture(autouse=True)
    def clock(self) -> Iterator[Any]:
        with time_machine.travel("2026-05-01T12:20:00Z", tick=False) as clock:
            yield clock

    @pytest.fixture
    def rule(self) -> EscalationRule:
        rule = EscalationRule.objects.create(name="boss", after_minutes=15)
        rule.channels.add(make_channel("boss", escalations_only=True))
        return rule

    def test_who_was_told_further_hears_of_the_end_once(self, rule: EscalationRule, channels: Channels) -> None:
        make_channel("ops")
        record([told()])
        escalate_due()
        send_due()
        over = told(over_at="2026-05-01T12:25:00+00:00")
        record([over])
        record([over])
        send_due()
        title = "No worker gives a sign of life"
        assert [(one.channel, one.title) for one in channels.told] == [
            ("boss", f"Nobody has acknowledged: {title}"), ("boss", f"Over: {title}"),
        ]  # fmt: skip
        assert "25 min" in channels.told[1].body

    def test_an_end_that_nobody_saw_is_told_too(self, rule: EscalationRule, channels: Channels) -> None:
        record([told()])
        escalate_due()
        send_due()
        record([told(began_at="2026-05-01T12:19:00+00:00")])
        send_due()
        assert channels.titles("boss")[1:] == ["Over: No worker gives a sign of life"]

    def test_the_end_is_left_to_the_watchdog_where_it_tells_it(self, rule: EscalationRule, channels: Channels) -> None:
        rule.channels.clear()
        ops = make_channel("ops")
        record([told()])
        escalate_due()
        send_due()
        assert channels.titles("ops") == ["Nobody has acknowledged: No worker gives a sign of life"]
        knows = {address_key(Address("", ops.url)): "waits"}
        record([told(over_at="2026-05-01T12:25:00+00:00", over_told=knows)])
        send_due()
        assert len(channels.told) == 1

    def test_windows_and_words_of_staff_are_kept_to(self, rule: EscalationRule, channels: Channels, clock: Any) -> None:
        AlertTemplate.objects.create(code="worker_down", title="Workers, please", detail="{{ seen }}")
        window = MaintenanceWindow.objects.create(
            reason="Move", starts_at=now() - timedelta(hours=1), ends_at=now() + timedelta(hours=1), codes=["worker_*"]
        )
        record([told()])
        escalate_due()
        send_due()
        assert channels.told == []
        windows.end_now(window)
        escalate_due()
        send_due()
        assert channels.titles("boss") == ["Nobody has acknowledged: Workers, please"]
        assert channels.told[0].body.startswith("Its last sign of life came 20 seconds ago.")


def test_what_staff_ended_stays_ended_however_late_the_watchdog_tells_it() -> None:
    record([told()])
    alerts.resolve("worker_down")
    ended = Alert.objects.get().resolved_at
    record([told()])
    record([told(over_at="2026-05-01T12:25:00+00:00")])
    assert Alert.objects.get().resolved_at == ended


def test_the_words_are_those_of_the_templates() -> None:
    for kind in ALARMS:
        words = words_of(kind, "", {"seen": "x"})
        assert (words.title, words.detail) == (title(kind.code), body(kind.code, "x"))


def test_the_errand_reads_what_the_watchdog_remembers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps([{**told(), "id": "x", "recorded": ""}])))
    out = io.StringIO()
    call_command("record_alarms", stdout=out)
    assert out.getvalue() == "recorded: 1\n"
    monkeypatch.setattr("sys.stdin", io.StringIO("{"))
    with pytest.raises(CommandError):
        call_command("record_alarms")


def test_the_watchdog_learns_the_channels_as_the_platform_routes_them(tmp_path: Any, settings: Any) -> None:
    settings.ALERT_URLS = []
    for name, codes in (("All", []), ("Work", ["worker_*"])):
        AlertChannel.objects.create(
            name=name, kind="webhook", url=f"https://{name}.example/x", shown_url="…", codes=codes, rings_from=""
        )
    tell_channels()
    memory = Memory(tmp_path)
    memory.learn_channels(encrypt(Heartbeat.objects.get(process="channels").told))
    assert [(one.name, one.silent) for one in memory.addresses("worker_down")] == [("All", True), ("Work", True)]
    assert [one.name for one in memory.addresses("redis_down")] == ["All"]


def test_many_channels_with_long_addresses_reach_the_watchdog_whole(tmp_path: Any, settings: Any) -> None:
    settings.ALERT_URLS = []
    tell_channels()
    for number in range(40):
        url = f"https://alarms.example/{number}/{'x' * 940}"
        AlertChannel.objects.create(name=f"{number} {'ü' * 50}", kind="webhook", url=url, shown_url="…")
    tell_channels()
    memory = Memory(tmp_path)
    memory.learn_channels(encrypt(Heartbeat.objects.get(process="channels").told))
    for alarm in ALARMS:
        assert len(memory.addresses(alarm.code)) == 40


def test_a_book_that_is_too_long_is_refused_and_the_one_before_stays(settings: Any) -> None:
    tell_channels()
    before = Heartbeat.objects.get(process="channels").told
    settings.ALERT_URLS = [f"https://alarms.example/{number}/{'x' * 2000}" for number in range(40)]
    with pytest.raises(ValueError, match="too long"):
        tell_channels()
    assert Heartbeat.objects.get(process="channels").told == before
    sign("watchdog")
    state, words = watchdog_alive()
    assert (state, words[:42]) == ("failed", "There are more alarm channels, or longer a")
    settings.ALERT_URLS = settings.ALERT_URLS[:20]
    assert watchdog_alive()[0] == "ok"
