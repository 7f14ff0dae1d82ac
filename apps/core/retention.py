"""What core forgets: rows that were only needed for a while, deleted in small batches."""

from datetime import datetime, timedelta

from django.core.management import call_command
from django.db import models

from apps.core import heartbeat, idempotency
from apps.core.clock import now
from apps.core.models import DomainEvent, EventDelivery, JobRun
from apps.core.rows import delete_in_batches

KEEP_EVENTS = timedelta(days=30)
KEEP_JOB_RUNS = timedelta(days=90)


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
    told = [delete_in_batches(rows.order_by("pk")) for rows in (events, job_runs)]
    return f"{told[0]} events, {told[1]} job records, {answers} answers"
