"""A test of a channel: a message like any other, through the outbox, whose outcome staff then read there."""

from django.db import transaction

from apps.core.clock import now
from apps.core.doorbell import ring
from apps.core.ids import new_hex
from apps.notifications.models import Alert, AlertChannel, AlertDelivery
from apps.notifications.services.telling import SEND_TASK

TEST = "channel_test"


def order_test(channel: AlertChannel) -> AlertDelivery:
    """Send a test to one channel, whether or not it is told of such things otherwise."""
    moment = now()
    with transaction.atomic():
        alert = Alert.objects.create(
            code=TEST,
            subject=channel.name,
            severity=Alert.Severity.INFO,
            title=f"Test of “{channel.name}”",
            detail="Alarms arrive here.",
            began_at=moment,
            last_at=moment,
            resolved_at=moment,
        )
        delivery = AlertDelivery.objects.create(
            alert=alert,
            kind=AlertDelivery.Kind.TEST,
            step=f"test:{new_hex()}",
            channel_key=channel.public_id,
            channel_name=channel.name,
            severity=alert.severity,
            title=alert.title,
            detail=alert.detail,
            due_at=moment,
        )
        ring(SEND_TASK)
    return delivery
