"""Floor 2: who may come in, and what they may do."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Realms, people, organizations, roles and every credential."""

    name = "apps.accounts"
    verbose_name = _("Accounts")
