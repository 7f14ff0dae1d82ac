"""What notifications forgets: what was read, what is long over, in batches."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from apps.core.ids import lowest_id
from apps.notifications.models import Alert, AlertDelivery, MaintenanceWindow, Notification

KEEP_READ = timedelta(days=90)
KEEP_UNREAD = timedelta(days=365)
KEEP_DELIVERIES = timedelta(days=90)
KEEP_ALERTS = timedelta(days=365)
BATCH = 1_000


def forget(slot: datetime) -> str:
    """The nightly job. What goes on, or waits to be sent, stays however old."""
    every = Notification.objects.unscoped()
    read = every.filter(Q(read_at__isnull=False) | Q(in_app=False), pk__lt=lowest_id(slot - KEEP_READ))
    unread = every.filter(pk__lt=lowest_id(slot - KEEP_UNREAD))
    deliveries = AlertDelivery.objects.filter(
        Q(alert__resolved_at__isnull=False), pk__lt=lowest_id(slot - KEEP_DELIVERIES)
    ).exclude(state=AlertDelivery.State.PENDING)
    alerts = Alert.objects.filter(resolved_at__lt=slot - KEEP_ALERTS, pk__lt=lowest_id(slot - KEEP_ALERTS))
    windows = MaintenanceWindow.objects.filter(ends_at__lt=slot - KEEP_ALERTS)
    told = _delete(read) + _delete(unread)
    return (
        f"{told} notifications, {_delete(deliveries)} deliveries, {_delete(alerts)} alerts, {_delete(windows)} windows"
    )


def _delete(rows: QuerySet[Any]) -> int:
    total = 0
    while batch := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        rows.model._base_manager.filter(pk__in=batch).delete()
        total += len(batch)
    return total
