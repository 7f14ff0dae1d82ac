"""What goes, and what stays however old."""

from datetime import timedelta

import time_machine

from apps.core.clock import now
from apps.core.ids import new_id
from apps.notifications.models import Alert, AlertDelivery, Notification
from apps.notifications.retention import forget
from apps.notifications.services.alerts import fire, resolve
from apps.notifications.services.sending import send_due
from tests.common.alarms import make_channel


def note(organization, user, days, **fields):
    then = now() - timedelta(days=days)
    return Notification.objects.create(
        id=new_id(then), organization=organization, user=user, code="run_failed", title=f"{days}",
        idempotency_key=f"{days}{fields}", **fields,
    )  # fmt: skip


def test_what_was_read_goes_before_what_was_not(organization, owner):
    note(organization, owner, 91, read_at=now())
    note(organization, owner, 91, in_app=False)
    note(organization, owner, 366)
    kept = {note(organization, owner, 91).pk, note(organization, owner, 89, read_at=now()).pk}
    assert forget(now()).startswith("3 notifications")
    assert set(Notification.objects.unscoped().values_list("pk", flat=True)) == kept


def test_alarms_go_once_they_are_long_over(channels):
    make_channel("ops")
    for subject in ("w1", "w2"):
        fire("worker_gone", subject)
    send_due()
    resolve("worker_gone", "w1")
    with time_machine.travel(now() + timedelta(days=100), tick=False):
        assert forget(now()) == "0 notifications, 1 deliveries, 0 alerts, 0 windows"  # its end waits to be sent
        assert AlertDelivery.objects.filter(alert__subject="w1", state="pending").count() == 1
    with time_machine.travel(now() + timedelta(days=400), tick=False):
        forget(now())
        assert [alert.subject for alert in Alert.objects.all()] == ["w2"]
