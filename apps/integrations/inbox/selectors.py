"""Reading the event inbox."""

from collections.abc import Iterable
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


def known_events(vendor: str, external_ids: Iterable[str]) -> set[str]:
    """Those of a vendor's events that have come."""
    rows = ExternalEvent.objects.filter(vendor=vendor, external_id__in=list(external_ids))
    return set(rows.values_list("external_id", flat=True))
