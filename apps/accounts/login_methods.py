"""Which login providers this installation has keys for."""

from django.conf import settings


def is_configured(provider: str) -> bool:
    """Whether the environment brought a client id and secret."""
    return provider in settings.SOCIALACCOUNT_PROVIDERS


def any_configured() -> bool:
    """Whether anybody can log in by another service."""
    return bool(settings.SOCIALACCOUNT_PROVIDERS)
