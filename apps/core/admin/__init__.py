"""Staff pages of core: domain events and their deliveries, scheduled jobs and their runs."""

from apps.core.admin import events, jobs, schedules

__all__ = ["events", "jobs", "schedules"]
