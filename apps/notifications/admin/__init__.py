"""Pages of alarms and notifications for staff."""

from apps.notifications.admin import alerts, channels, notices

__all__ = ["alerts", "channels", "notices"]
