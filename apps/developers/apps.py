"""The developers app."""

from django.apps import AppConfig


class DevelopersConfig(AppConfig):
    """What those who build on the platform see of it: API keys."""

    name = "apps.developers"
    verbose_name = "Developers"
