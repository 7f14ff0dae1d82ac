"""The rows of the notifications app."""

from apps.notifications.models.alerts import MAIL_KEY, Alert, AlertDelivery
from apps.notifications.models.channels import AlertChannel, AlertTemplate, EscalationRule, MaintenanceWindow
from apps.notifications.models.notices import NoticePreference, Notification

__all__ = [
    "MAIL_KEY",
    "Alert",
    "AlertChannel",
    "AlertDelivery",
    "AlertTemplate",
    "EscalationRule",
    "MaintenanceWindow",
    "NoticePreference",
    "Notification",
]
