"""Forgetting: the wording of old mail and the content of old events serve nobody and are personal."""

from datetime import datetime, timedelta

from django.db.models import TextField
from django.db.models.functions import Cast

from apps.integrations.models import ExternalEvent, MailMessage

KEEP = timedelta(days=30)
UNFINISHED = (MailMessage.State.QUEUED, MailMessage.State.SENDING)


def forget_old_content(slot: datetime) -> str:
    """Empty bodies of mail and payloads of handled events older than 30 days. Returns what was done."""
    before = slot - KEEP
    mails = (
        MailMessage.objects.filter(created_at__lt=before)
        .exclude(state__in=UNFINISHED)
        .alias(stored_text=Cast("text", TextField()), stored_html=Cast("html", TextField()))  # nothing is decrypted
        .exclude(stored_text="", stored_html="")
        .update(text="", html="")
    )
    events = (
        ExternalEvent.objects.filter(received_at__lt=before, state=ExternalEvent.State.HANDLED)
        .exclude(payload={})
        .update(payload={})
    )
    return f"emptied {mails} mails and {events} events"
