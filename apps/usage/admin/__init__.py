"""Staff pages of usage: what was counted, and the limits on it."""

from apps.usage.admin import limits, metering, requests

__all__ = ["limits", "metering", "requests"]
