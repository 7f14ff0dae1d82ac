"""The usage app."""

from django.apps import AppConfig


class UsageConfig(AppConfig):
    """The gate before the API, the meters behind it."""

    name = "apps.usage"
    verbose_name = "Usage"
