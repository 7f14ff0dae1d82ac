"""How a run is made due now, and the doorbell that says so."""

import uuid

from django.db.models import Q

from apps.core.clock import now
from apps.core.doorbell import ring_once
from apps.workflows.models import Run

WORK_TASK = "workflows.work"


def wake(run_id: uuid.UUID) -> None:
    """Make an unfinished run due now. A run that is being worked on is looked at again when its worker parks it."""
    moment = now()
    later = Q(due_at__gt=moment) | Q(due_at=None)
    if Run.objects.unscoped().filter(later, pk=run_id, finished_at=None).update(due_at=moment):
        ring_once(WORK_TASK)
