"""How a run is stopped from outside."""

from django.db import transaction
from django.utils.translation import gettext as _

from apps.audit.services import record
from apps.workflows.engine.finish import lock_parent, request_cancel
from apps.workflows.errors import RunEndedError
from apps.workflows.models import Run


def cancel_run(run: Run) -> Run:
    """Cancel a run and the subflows that it waits for. Raises `RunEndedError` when it has ended.

    A run that nobody works on ends at once; otherwise its worker ends it before the next step.
    """
    with transaction.atomic():
        lock_parent(run)
        locked = Run.objects.unscoped().select_for_update(no_key=True).get(pk=run.pk)
        if locked.finished:
            raise RunEndedError(_("The run has already ended."))
        request_cancel(locked)
        record("workflows.run_cancelled", target=locked, organization_id=locked.organization_id)
        return Run.objects.unscoped().get(pk=run.pk)
