"""Reading what the notifications app holds."""

from typing import Any

from django.db.models import QuerySet

from apps.core.kinds import Severity
from apps.notifications import routing
from apps.notifications.channels import Address
from apps.notifications.models import Alert


def channel_urls(severity: Severity, code: str) -> list[Address]:
    """The channels that an alarm goes to, for whoever must deliver it without a database.

    The addresses hold keys: they are kept encrypted wherever they are kept.
    """
    return routing.addresses(severity, code)


def latest_values(code: str) -> dict[str, Any]:
    """What templates of a type of alarm may name: subject and data of its newest alarm; a subject alone without one."""
    alert = Alert.objects.filter(code=code).order_by("-began_at").first()
    return {"subject": alert.subject, **alert.data} if alert else {"subject": "subject"}


def open_alerts() -> QuerySet[Alert]:
    """What goes on, the newest first."""
    return Alert.objects.filter(resolved_at__isnull=True).order_by("-began_at")
