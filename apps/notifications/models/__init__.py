"""The rows of the notifications app."""

from apps.notifications.models.alerts import Alert
from apps.notifications.models.channels import AlertChannel

__all__ = ["Alert", "AlertChannel"]
