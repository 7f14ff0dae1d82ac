"""The notifications app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    """Floor 4."""

    name = "apps.notifications"
    verbose_name = _("Notifications")
