"""A handler and a job. Each leaves a mark in its own table; while a gate file exists it stops in the middle.

The marks have no unique key: what happened twice is there twice.
"""

import time
from datetime import datetime

from django.conf import settings
from django.db import connection

from apps.core.kinds import EntitlementProvider, EventHandler, ScheduledJob
from apps.core.models import DomainEvent
from apps.core.registry import register

HELD_AT_MOST = 120.0


def _mark(kind: str, key: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO fault_marks (kind, mark) VALUES (%s, %s)", [kind, key])


def _pass_gate(name: str) -> None:
    """Go on at once, or, while the file `<name>.gate` exists, say so and wait."""
    gate = settings.VAR_DIR / f"{name}.gate"
    if not gate.exists():
        return
    (settings.VAR_DIR / f"{name}.entered").touch()
    deadline = time.monotonic() + HELD_AT_MOST
    while gate.exists() and time.monotonic() < deadline:
        time.sleep(0.02)


def count_run(event: DomainEvent) -> None:
    """Leave a mark for a finished run, and only then be held: a kill must take the mark back."""
    _mark("run_finished", event.payload["run_id"])
    _pass_gate("handler")


def count_slot(slot: datetime) -> str:
    """Leave two marks for a slot of the job, one on each side of the gate."""
    _mark("job_begun", slot.isoformat())
    _pass_gate("job")
    _mark("job_done", slot.isoformat())
    return "counted"


register(
    # How many workflows a test makes depends on the machine: what is hurt here is not the limit.
    EntitlementProvider("faults", "pricing", lambda _organization_id: {"workflows.count": 1000}),
    EventHandler("run_finished", "count_for_faults", count_run),
    # Once a year: no test may meet the moment at which the next slot begins.
    ScheduledJob("faults_job", "A job to be killed", count_slot, crontab="0 0 1 1 *"),
)
