"""Reading what the notifications app holds."""

from apps.core.kinds import Severity
from apps.notifications import routing
from apps.notifications.channels import Address


def channel_urls(severity: Severity, code: str) -> list[Address]:
    """The channels that an alarm goes to, for whoever must deliver it without a database.

    The addresses hold keys: they are kept encrypted wherever they are kept.
    """
    return routing.addresses(severity, code)
