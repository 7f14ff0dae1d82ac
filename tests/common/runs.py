"""Starting runs by hand and looking at what became of them."""

from typing import Any

from apps.accounts.models import Organization
from apps.core.clock import now
from apps.workflows.models import Run, StepRun
from apps.workflows.services.publishing import create_workflow
from apps.workflows.services.starting import Start, start_run


def run_of(organization: Organization, source: str, **inputs: Any) -> Run:
    """A queued run of a new workflow with this definition."""
    workflow = create_workflow(organization, source, None).workflow
    return start_run(workflow, Start(kind="manual", inputs=inputs))


def fresh(run: Run) -> Run:
    """The run as it is stored now."""
    return Run.objects.unscoped().get(pk=run.pk)


def steps(run: Run) -> dict[str, StepRun]:
    """The run's steps by path, as they are stored now."""
    return {row.path: row for row in StepRun.objects.unscoped().filter(run=run)}


def due_again(run: Run) -> None:
    """As if the worker had died and its lease run out."""
    Run.objects.unscoped().filter(pk=run.pk).update(due_at=now(), lease_until=None)
