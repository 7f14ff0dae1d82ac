"""Celery tasks that observe: probes, gauges, the status page's mail; and a worker's own figures."""

from typing import Any

from celery import shared_task
from celery.signals import task_postrun, task_prerun, worker_process_init, worker_ready
from django.conf import settings

from apps.core.tallies import Tally
from apps.monitoring.metrics.reading import READ_TASK, read_gauges
from apps.monitoring.metrics.requests import keep_going
from apps.monitoring.services.component_watch import watch_components
from apps.monitoring.services.incidents import MAIL_TASK, advance_maintenance
from apps.monitoring.services.probing import PROBE_TASK, probe_minute
from apps.monitoring.services.subscribers import mail_updates
from apps.monitoring.status.summary import refresh

TASKS = Tally("levqor_tasks", "Tasks that workers began and ended.", ("task", "state"))


@shared_task(name=PROBE_TASK)
def probe_components() -> None:
    """Look at every component, once a minute however often it is asked, and at what follows from it."""
    advance_maintenance()
    probe_minute()
    watch_components()
    refresh()


@shared_task(name=READ_TASK)
def read_all_gauges() -> None:
    """Read the gauges."""
    read_gauges()


@shared_task(name=MAIL_TASK)
def mail_status() -> None:
    """Mail what the status page told."""
    mail_updates()


@worker_ready.connect
@worker_process_init.connect
def begin(**_details: Any) -> None:
    """A worker has figures too. Of a pool of processes each has its own."""
    if settings.OBSERVE_IN_BACKGROUND:
        keep_going()


@task_prerun.connect
def count_begin(task: Any = None, **_details: Any) -> None:
    """A task begins."""
    TASKS.add(getattr(task, "name", "") or "unknown", "begun")


@task_postrun.connect
def count_end(task: Any = None, state: str | None = None, **_details: Any) -> None:
    """A task ended."""
    TASKS.add(getattr(task, "name", "") or "unknown", (state or "unknown").lower())
