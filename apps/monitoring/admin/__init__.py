"""Staff pages of monitoring."""

from apps.monitoring.admin import bills, costs, costs_told, growth, health, measures, pulse, reports, status

__all__ = ["bills", "costs", "costs_told", "growth", "health", "measures", "pulse", "reports", "status"]
