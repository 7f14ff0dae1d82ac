"""What the mail fault test does inside of the platform."""

from datetime import UTC, datetime

from django.db.models import Count, Max

from apps.core.clock import now
from apps.integrations.models import MailMessage


def queue(count: int) -> int:
    """Put so many mails into the outbox."""
    MailMessage.objects.bulk_create(
        MailMessage(
            idempotency_key=f"fault:{number}",
            template="fault",
            from_address="Levqor <no-reply@levqor.example>",
            to="ann@example.com",
            subject=f"Mail {number}",
            text="Hello",
            due_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        for number in range(count)
    )
    return count


def states() -> dict[str, int]:
    """How many mails are in each state."""
    return dict(MailMessage.objects.order_by().values_list("state").annotate(count=Count("pk")))


def tried_again() -> int:
    """How many mails took more than one attempt."""
    return MailMessage.objects.filter(attempts__gt=1).count()


def most_attempts() -> int:
    """The most attempts that any mail took."""
    return MailMessage.objects.aggregate(most=Max("attempts"))["most"] or 0


def expire_leases() -> int:
    """Let the leases of killed senders run out at once, so that the test need not wait for them."""
    return MailMessage.objects.filter(state=MailMessage.State.SENDING).update(lease_until=now())
