"""Celery tasks of core: thin calls into services."""

from typing import Any

from celery import shared_task
from celery.signals import worker_ready, worker_shutdown

from apps.core import events, heartbeat, jobs, versions
from apps.core.doorbell import heard

_pulse: heartbeat.Pulse | None = None  # of this process, where it is a worker's


@shared_task(name=events.DELIVER_TASK)
def deliver_events() -> None:
    """Deliver due domain events."""
    heard(events.DELIVER_TASK)
    events.deliver_due()


@shared_task(name=jobs.RUN_TASK)
def run_scheduled_job(name: str) -> None:
    """Run the present slot of a scheduled job, unless somebody did."""
    jobs.run_due_slot(name)


@shared_task(name=jobs.SWEEP_TASK)
def sweep_jobs() -> None:
    """Find job slots that nobody ran."""
    jobs.sweep()


@shared_task(name=heartbeat.HEARTBEAT_TASK)
def record_heartbeat() -> None:
    """Write that a worker takes tasks."""
    heartbeat.record()


@shared_task(name=versions.TICK_TASK)
def strike_versions() -> None:
    """Strike the versions that could not be struck while Redis was away."""
    versions.strike_noted()


@worker_ready.connect
def show_life(sender: Any = None, **_options: object) -> None:
    """From here on the worker's process shows that it lives, whether or not a tick reaches it."""
    global _pulse
    _pulse = heartbeat.Pulse("worker", str(getattr(sender, "hostname", "")))
    _pulse.start()


@worker_shutdown.connect
def say_goodbye(**_options: object) -> None:
    """A worker that ends as it should is not missing."""
    if _pulse is not None:
        _pulse.stop()
