"""What workflows do about events: tell of failed runs and approvals, start failure workflows."""

from datetime import timedelta
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.selectors import members_with
from apps.core.brand import current_brand
from apps.core.clock import now
from apps.core.models import DomainEvent
from apps.notifications.services.notices import notify
from apps.workflows.engine import versions
from apps.workflows.models import Run, StepRun, Workflow
from apps.workflows.services.starting import Start, start_run

RUN_FAILED, APPROVAL_ASKED = "run_failed", "approval_requested"
QUIET = timedelta(hours=1)
TOLD_ROLES = ("owner", "admin", "developer")


def is_top_failure(payload: Any) -> bool:
    """Whether a finished run failed on its own account (a subflow's failure is its parent's to tell)."""
    return bool(payload["state"] == Run.State.FAILED and payload["trigger_kind"] != Run.TriggerKind.SUBFLOW)


def mail_failed_run(event: DomainEvent) -> None:
    """Tell the organization's builders about a failed run: once in each hour of the clock for each workflow."""
    run = _run_of(event)
    if run is None:
        return
    hour = int(now().timestamp() // QUIET.total_seconds())
    path, error = _path("run", run.public_id, run.organization.public_id), run.error or {}
    notify(
        run.organization,
        members_with(run.organization_id, TOLD_ROLES),
        RUN_FAILED,
        title=_("%(name)s failed") % {"name": run.workflow.name},
        body=str(error.get("message", "")),
        url=path,
        idempotency_key=f"run_failed:{run.workflow.public_id}:{hour}",
        template="run_failed",
        context={
            "workflow_name": run.workflow.name,
            "run_id": run.public_id,
            "error": error,
            "run_url": current_brand().site_url + path,
            "quiet_minutes": int(QUIET.total_seconds() // 60),
        },
    )


def start_failure_workflow(event: DomainEvent) -> None:
    """Start the workflow that the failed run's definition names under `on_failure`."""
    run = _run_of(event)
    if run is None or run.trigger_kind == Run.TriggerKind.FAILURE:
        return
    slug = versions.load(run.version_id).definition.failure_workflow
    if slug is None:
        return
    handler = Workflow.objects.for_organization(run.organization_id).filter(slug=slug, archived_at=None).first()
    if handler is None:
        return
    inputs = {"run_id": run.public_id, "workflow": run.workflow.slug, "error": run.error, "inputs": run.inputs}
    start_run(
        handler,
        Start(
            kind=Run.TriggerKind.FAILURE,
            inputs=inputs,
            idempotency_key=f"failure:{run.public_id}",
            livemode=run.livemode,
        ),
    )


def mail_approval_request(event: DomainEvent) -> None:
    """Ask those who may decide."""
    step = (
        StepRun.objects.unscoped()
        .select_related("run__workflow", "run__organization")
        .filter(pk=event.payload["step_id"], waiting_for=StepRun.WaitingFor.APPROVAL)
        .first()
    )
    if step is None:
        return
    path = _path("run", step.run.public_id, step.run.organization.public_id)
    notify(
        step.run.organization,
        members_with(step.organization_id, event.payload["roles"]),
        APPROVAL_ASKED,
        title=_("%(name)s waits for your answer") % {"name": step.run.workflow.name},
        body=event.payload["message"],
        url=path,
        idempotency_key=f"approval:{step.public_id}",
        template="approval_requested",
        context={
            "workflow_name": step.run.workflow.name,
            "run_id": step.run.public_id,
            "message": event.payload["message"],
            "run_url": current_brand().site_url + path,
        },
    )


def _run_of(event: DomainEvent) -> Run | None:
    runs = Run.objects.unscoped().select_related("workflow", "organization")
    return runs.filter(pk=event.payload["run_id"]).first()


def _path(name: str, public_id: str, organization: str) -> str:
    return f"{reverse(name, args=[public_id])}?organization={organization}"
