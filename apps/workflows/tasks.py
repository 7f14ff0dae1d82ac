"""Celery tasks of workflows: doorbells and ticks."""

from celery import shared_task

from apps.core.doorbell import heard
from apps.workflows.engine.reconcile import reconcile
from apps.workflows.engine.wake import WORK_TASK
from apps.workflows.engine.worker import work
from apps.workflows.services.schedules import fire_due

RECONCILE_TASK = "workflows.reconcile"
FIRE_TASK = "workflows.fire_triggers"


@shared_task(name=WORK_TASK)
def work_on_runs() -> None:
    """Work on due runs."""
    heard(WORK_TASK)
    work()


@shared_task(name=RECONCILE_TASK)
def reconcile_runs() -> None:
    """Find due runs that no doorbell announced."""
    reconcile()


@shared_task(name=FIRE_TASK)
def fire_triggers() -> None:
    """Start the runs of due schedules."""
    fire_due()
