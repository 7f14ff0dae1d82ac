"""A person's answer to a waiting approval."""

from typing import Any, Literal

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from apps.accounts.permissions import Actor
from apps.audit.services import record
from apps.core.clock import now
from apps.core.errors import ForbiddenError
from apps.workflows.engine.wake import wake
from apps.workflows.errors import NotWaitingForApprovalError
from apps.workflows.models import Run, StepRun

DEFAULT_ROLES = ("owner", "admin")


def decide(step: StepRun, actor: Actor, decision: Literal["approve", "reject"], comment: str = "") -> StepRun:
    """Answer an approval once, before its timeout.

    Raises `NotWaitingForApprovalError`, or `ForbiddenError` for a role that may not.
    """
    # No permission of `accounts`: which roles answer is each step's own rule. Callers have asked for `runs.decide`.
    roles = (step.input or {}).get("roles", DEFAULT_ROLES)
    if actor.role not in roles:
        raise ForbiddenError(
            _("Only these roles may decide here: %(roles)s.") % {"roles": ", ".join(roles)}, code="wrong_role"
        )
    answer: dict[str, Any] = {
        "decision": decision,
        "by": actor.user.email,
        "comment": comment[:2000],
        "at": now().isoformat(),
    }
    with transaction.atomic():
        # The run first, then its step: the order in which a worker writes them.
        Run.objects.unscoped().select_for_update(of=("self",), no_key=True).only("pk").get(pk=step.run_id)
        waiting = StepRun.objects.unscoped().filter(
            pk=step.pk, state=StepRun.State.WAITING, waiting_for=StepRun.WaitingFor.APPROVAL
        )
        in_time = Q(due_at__isnull=True) | Q(due_at__gt=now())
        answered = waiting.filter(in_time, signal__isnull=True).update(signal=answer)
        if not answered:
            raise NotWaitingForApprovalError(_("This step waits for no approval any more."))
        wake(step.run_id)
        record(f"workflows.approval_{'given' if decision == 'approve' else 'refused'}", target=step.run)
    step.signal = answer
    return step
