"""Reading the outbox."""

from datetime import timedelta

from django.db.models import Q, QuerySet

from apps.core.clock import now
from apps.integrations.models import BODY, MailMessage

State = MailMessage.State


def all_mail() -> QuerySet[MailMessage]:
    """Every mail, the newest first, without the bodies: for staff lists."""
    return MailMessage.objects.defer(*BODY, "headers").order_by("-pk")


def mail_to(address: str) -> QuerySet[MailMessage]:
    """Mail that went to an address, the newest first. A contained search: meant for staff and exports."""
    return all_mail().filter(to__icontains=address.strip())


def backlog() -> dict[str, int]:
    """{"late": due for more than five minutes, "given_up": failed or unknown within a day}."""
    moment = now()
    late = Q(state=State.QUEUED, due_at__lt=moment - timedelta(minutes=5))
    stuck = Q(state=State.SENDING, lease_until__lt=moment - timedelta(minutes=5))
    given_up = Q(state__in=(State.FAILED, State.UNKNOWN), created_at__gt=moment - timedelta(days=1))
    return {
        "late": MailMessage.objects.filter(late | stuck).count(),
        "given_up": MailMessage.objects.filter(given_up).count(),
    }
