"""Celery tasks of monitoring: ticks."""

from celery import shared_task

from apps.monitoring.observing import tasks as observing
from apps.monitoring.services import job_alarms, outages


@shared_task(name=job_alarms.TICK_TASK)
def alarm_of_jobs() -> None:
    """Alarm of jobs that are late, fail or never ran."""
    job_alarms.alarm_of_jobs()


@shared_task(name=outages.TICK_TASK)
def tell_channels() -> None:
    """Tell the watchdog which channels there are."""
    outages.tell_channels()


__all__ = ["observing"]  # imported so that its tasks are known
