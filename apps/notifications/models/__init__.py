"""The rows of the notifications app."""

from apps.notifications.models.alerts import Alert, AlertDelivery
from apps.notifications.models.channels import AlertChannel, AlertTemplate, EscalationRule, MaintenanceWindow
from apps.notifications.models.notices import NoticePreference, Notification

__all__ = [
    "Alert",
    "AlertChannel",
    "AlertDelivery",
    "AlertTemplate",
    "EscalationRule",
    "MaintenanceWindow",
    "NoticePreference",
    "Notification",
]
