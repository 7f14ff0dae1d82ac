"""Staff pages of monitoring."""

from apps.monitoring.admin import measures, status

__all__ = ["measures", "status"]
