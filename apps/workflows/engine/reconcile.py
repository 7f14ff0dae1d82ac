"""What finds work that nobody was told about: expired leases, vacant places in groups, runs whose doorbell was lost."""

from apps.core.clock import now
from apps.core.doorbell import ring_once
from apps.workflows.engine import groups
from apps.workflows.engine.leases import release_expired
from apps.workflows.engine.wake import WORK_TASK
from apps.workflows.models import Run


def reconcile() -> bool:
    """Free the runs of dead workers, fill vacant places, and ring when runs are due. Returns whether any are."""
    release_expired()
    groups.fill_vacant()
    due = Run.objects.unscoped().filter(due_at__lte=now(), lease_until=None).exists()
    if due:
        ring_once(WORK_TASK)
    return due
