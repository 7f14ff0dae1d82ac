"""Celery tasks of integrations: thin calls into services."""

from celery import shared_task

from apps.core.doorbell import heard
from apps.integrations.inbox import services as inbox
from apps.integrations.mail import delivery
from apps.integrations.mail.services import SEND_TASK
from apps.integrations.notion import syncing
from apps.integrations.stripe import watching


@shared_task(name=SEND_TASK)
def send_mail() -> None:
    """Send the mail that is due."""
    delivery.send_due()


@shared_task(name=inbox.HANDLE_TASK)
def handle_external_events() -> None:
    """Hand vendors' events to their handlers."""
    heard(inbox.HANDLE_TASK)
    inbox.handle_due()


@shared_task(name=watching.LOOK_TASK)
def look_at_stripe() -> None:
    """Look at what events told of."""
    watching.look_at_due()


@shared_task(name=syncing.SYNC_TASK)
def sync_notion() -> None:
    """Bring to Notion, and fetch from there, what is due."""
    syncing.sync_due()
