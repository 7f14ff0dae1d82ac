"""Alarms that come and go, windows, escalations, workers that die, channels that are away, in any order: each channel
is told each thing once, of an end only after its beginning, and in the end it believes what is so.
"""

import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
import time_machine
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from apps.accounts.models import User
from apps.core.clock import now
from apps.core.errors import ConflictError
from apps.notifications import routing
from apps.notifications.channels import ChannelError
from apps.notifications.models import Alert, AlertDelivery, EscalationRule, MaintenanceWindow
from apps.notifications.services import windows
from apps.notifications.services.alerts import acknowledge, fire, resolve
from apps.notifications.services.escalating import escalate_due
from apps.notifications.services.sending import send_due
from apps.notifications.windows import held_until
from tests.common.alarms import alarms, make_channel

BEGIN = datetime(2027, 3, 12, 9, tzinfo=UTC)
SUBJECTS = st.sampled_from(["w1", "w2"])
CODES = st.sampled_from(["worker_gone", "report_late"])
ENDINGS = {
    "works": None,
    "away": ChannelError("no answer", permanent=False),
    "lost": ChannelError("the answer was lost", permanent=False, maybe_sent=True),
    "refuses": ChannelError("answered 403", permanent=True),
    "dies": SystemExit(),
    "dies late": SystemExit(),
}
ALARMS = ("fired", "worsened", "escalated", "reminded")


class Alarms(RuleBasedStateMachine):
    """See the head of the file."""

    def __init__(self):
        super().__init__()
        self.outer, self.clock = transaction.atomic(), time_machine.travel(BEGIN, tick=False)
        self.outer.__enter__()
        self.time = self.clock.start()
        self.task = patch("apps.core.doorbell.current_app.send_task")
        self.task.start()
        self.types = alarms()
        self.channels = self.types.__enter__()
        self.staff = User.objects.create_user("staff@example.com")
        make_channel("all")
        make_channel("grave", least_severity="critical")
        boss = make_channel("boss", escalations_only=True)
        EscalationRule.objects.create(name="boss", after_minutes=15, repeat_minutes=20).channels.add(boss)
        EscalationRule.objects.create(name="same", least_severity="warning", after_minutes=30)

    def teardown(self):
        try:
            if sys.exc_info()[0] is None:
                self.settle()
        finally:
            self.types.__exit__(None, None, None)
            self.task.stop()
            self.clock.stop()
            transaction.set_rollback(True)
            self.outer.__exit__(None, None, None)

    @rule(code=CODES, subject=SUBJECTS, severity=st.sampled_from([None, None, "warning", "critical"]))
    def fire(self, code, subject, severity):
        fire(code, subject, {"since": "nine"}, severity=severity)

    @rule(code=CODES, subject=SUBJECTS)
    def resolve(self, code, subject):
        resolve(code, subject)

    @rule(place=st.integers(0, 3))
    def acknowledge(self, place):
        waiting = Alert.objects.filter(resolved_at__isnull=True, acknowledged_at__isnull=True).order_by("pk")
        for alert in waiting[place : place + 1]:
            acknowledge(alert, self.staff)

    @rule(minutes=st.sampled_from([5, 30]), subjects=st.sampled_from([[], ["w1"]]), ahead=st.sampled_from([0, 3]))
    def begin_window(self, minutes, subjects, ahead):
        begins = now() + timedelta(minutes=ahead)
        ends = begins + timedelta(minutes=minutes)
        windows.save(MaintenanceWindow(reason="x", starts_at=begins, ends_at=ends, subjects=subjects))

    @rule()
    def end_windows(self):
        for window in MaintenanceWindow.objects.all():
            with suppress(ConflictError):
                windows.end_now(window)

    @rule(minutes=st.sampled_from([1, 1, 3, 11, 40]))
    def wait(self, minutes):
        self.time.shift(timedelta(minutes=minutes))

    @rule()
    def escalate(self):
        escalate_due()

    @rule(ending=st.sampled_from(["works", "works", "works", *ENDINGS]))
    def send(self, ending):
        failure = ENDINGS[ending]
        self.channels.ends = lambda url: failure
        self.channels.lost = ending in ("lost", "dies late")
        before = len(self.channels.told)
        with suppress(SystemExit):
            send_due()
        by_key = self.deliveries()
        for one in self.channels.told[before:]:
            row = by_key[one.key]
            assert held_until(row.alert, now()) is None, "told inside a maintenance window"

    def deliveries(self):
        return {row.once_key: row for row in AlertDelivery.objects.select_related("alert")}

    @invariant()
    def each_thing_is_told_once_and_in_order(self):
        by_key = self.deliveries()
        believed, seen, newest = {}, {}, {}
        in_doubt = [row for row in by_key.values() if row.state in ("dead", "skipped") and row.uncertain]
        perhaps = {(row.alert_id, row.channel_name) for row in in_doubt}  # given up, and may have arrived all the same
        for one in self.channels.told:
            row = by_key[one.key]
            seen[one.key] = seen.get(one.key, 0) + 1
            assert seen[one.key] == 1 or row.uncertain, "told twice without a reason"
            if seen[one.key] > 1:
                continue
            place = (row.alert_id, one.channel)
            subject = (row.alert.code, row.alert.subject, one.channel)
            assert newest.get(subject, row.alert_id) <= row.alert_id, "an older alarm's end, after a newer one began"
            newest[subject] = row.alert_id
            if row.kind == "resolved":
                assert believed.get(place) or place in perhaps, "an end without a beginning"
                believed[place] = False
            elif row.kind == "fired":
                assert not believed.get(place) or place in perhaps, "a beginning that was told already"
                believed[place] = True
            else:
                believed[place] = True
        self.believed = believed

    def settle(self):
        """Everything works again, no window runs, and time goes by."""
        self.channels.ends, self.channels.lost = (lambda url: None), False
        self.time.shift(timedelta(hours=2))
        for _look in range(8):
            send_due()
            self.time.shift(timedelta(minutes=31))
        self.each_thing_is_told_once_and_in_order()
        assert not AlertDelivery.objects.filter(state="pending").exists()
        for alert in Alert.objects.exclude(code="alert_channel_failing"):
            for route in routing.routes():
                dead = AlertDelivery.objects.filter(alert=alert, channel_key=route.key, state="dead").exists()
                believes = self.believed.get((alert.pk, route.name), False)
                if alert.is_open:
                    assert believes or dead or not route.takes(alert.severity, alert.code)
                else:
                    assert not believes or dead


@pytest.mark.django_db
def test_channels_believe_what_is_so():
    """What fails is shown as it was found: making it smaller takes minutes (`Phase.shrink`, by hand)."""
    run_state_machine_as_test(
        Alarms,
        settings=settings(
            max_examples=15, stateful_step_count=40, deadline=None, phases=(Phase.reuse, Phase.generate),
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )  # fmt: skip
