"""Vendor gateways, mail and the event inbox."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class IntegrationsConfig(AppConfig):
    """Floor 1: the only place that knows vendors."""

    name = "apps.integrations"
    verbose_name = _("Integrations")
