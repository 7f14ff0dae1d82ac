"""What core forgets: rows that were only needed for a while, deleted in small batches."""

from datetime import datetime, timedelta
from typing import Any

from django.core.management import call_command
from django.db import models

from apps.core import heartbeat, idempotency
from apps.core.clock import now
from apps.core.models import DomainEvent, EventDelivery, JobRun

KEEP_EVENTS = timedelta(days=30)
KEEP_JOB_RUNS = timedelta(days=90)
BATCH = 2_000


def forget_old_rows(slot: datetime) -> str:
    """Delete consumed events, job records, idempotent answers and sessions that are past their time.

    Events with a delivery that is pending or was given up stay, however old.
    """
    waiting = EventDelivery.objects.filter(event=models.OuterRef("pk")).exclude(state=EventDelivery.State.DONE)
    events = DomainEvent.objects.filter(created_at__lt=slot - KEEP_EVENTS).exclude(models.Exists(waiting))
    job_runs = JobRun.objects.filter(slot__lt=slot - KEEP_JOB_RUNS, finished_at__isnull=False)
    answers = idempotency.purge(slot)
    heartbeat.forget(now())
    call_command("clearsessions", verbosity=0)
    return f"{_delete(events)} events, {_delete(job_runs)} job records, {answers} answers"


def _delete(rows: models.QuerySet[Any]) -> int:
    total = 0
    while batch := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        rows.model._default_manager.filter(pk__in=batch).delete()
        total += len(batch)
    return total
