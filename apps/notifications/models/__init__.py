"""The rows of the notifications app."""

from apps.notifications.models.alerts import Alert

__all__ = ["Alert"]
