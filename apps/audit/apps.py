"""The audit log."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AuditConfig(AppConfig):
    """Floor 1: an append-only log, chained per organization."""

    name = "apps.audit"
    verbose_name = _("Audit log")
