"""The ledger app."""

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """Double entry."""

    name = "apps.ledger"
    verbose_name = "Ledger"
