"""What notifications forgets: what was read, what is long over, in batches."""

from datetime import datetime, timedelta

from django.db.models import Q

from apps.core.ids import lowest_id
from apps.core.rows import delete_in_batches
from apps.notifications.models import Alert, AlertDelivery, MaintenanceWindow, Notification

KEEP_READ = timedelta(days=90)
KEEP_UNREAD = timedelta(days=365)
KEEP_DELIVERIES = timedelta(days=90)
KEEP_ALERTS = timedelta(days=365)


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
    told = [delete_in_batches(rows.order_by("pk")) for rows in (read, unread, deliveries, alerts, windows)]
    return f"{told[0] + told[1]} notifications, {told[2]} deliveries, {told[3]} alerts, {told[4]} windows"
