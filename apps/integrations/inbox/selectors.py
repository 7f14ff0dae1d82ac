"""Reading the event inbox."""

from datetime import timedelta

from apps.core.clock import now
from apps.integrations.models import ExternalEvent

State = ExternalEvent.State


def backlog() -> dict[str, int]:
    """{"late": due for more than five minutes, "dead": given up and not replayed}."""
    return {
        "late": ExternalEvent.objects.filter(state=State.RECEIVED, due_at__lt=now() - timedelta(minutes=5)).count(),
        "dead": ExternalEvent.objects.filter(state=State.DEAD).count(),
    }
