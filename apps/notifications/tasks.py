"""Celery tasks of notifications: ticks."""

from celery import shared_task

from apps.notifications.services.channel_health import look_at_addresses
from apps.notifications.services.escalating import ESCALATE_TASK, escalate_due
from apps.notifications.services.mailed import look_at_mail
from apps.notifications.services.sending import send_due
from apps.notifications.services.telling import SEND_TASK


@shared_task(name=SEND_TASK)
def send_alerts() -> None:
    """Tell channels what is due, and see what became of what went by mail."""
    send_due()
    look_at_mail()


@shared_task(name=ESCALATE_TASK)
def escalate_alerts() -> None:
    """Tell further what nobody looks after, and of channels that could be told nothing."""
    escalate_due()
    look_at_addresses()
