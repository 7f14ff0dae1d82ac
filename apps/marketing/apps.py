"""Floor 9: what the world sees before it signs up."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MarketingConfig(AppConfig):
    """The landing page and, in development, the style guide."""

    name = "apps.marketing"
    verbose_name = _("Marketing")
