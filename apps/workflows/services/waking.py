"""How staff get a run looked at without waiting for its time."""

from django.db import transaction
from django.utils.translation import gettext as _

from apps.workflows.engine.wake import wake
from apps.workflows.errors import RunEndedError
from apps.workflows.models import Run


def wake_run(run: Run) -> None:
    """Make a run due now. Raises `RunEndedError` when it has ended."""
    with transaction.atomic():
        fresh = Run.objects.unscoped().select_for_update(of=("self",), no_key=True).get(pk=run.pk)
        if fresh.finished:
            raise RunEndedError(_("The run has already ended."))
        wake(fresh.pk)
