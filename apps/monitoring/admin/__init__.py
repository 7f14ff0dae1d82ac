"""Staff pages of monitoring."""

from apps.monitoring.admin import bills, costs, costs_told, health, measures, status

__all__ = ["bills", "costs", "costs_told", "health", "measures", "status"]
