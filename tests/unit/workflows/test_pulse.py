"""Live runs of a time."""

from datetime import timedelta
from decimal import Decimal

import pytest

from apps.accounts.models import Organization, User
from apps.core.clock import now
from apps.core.ids import new_id
from apps.workflows import pulse
from apps.workflows.models import Run, Workflow
from apps.workflows.services.publishing import create_workflow
from tests.common.roles import actor_of

pytestmark = pytest.mark.django_db
SOURCE = "name: Tried\nsteps: [{id: a, type: transform, with: {expression: inputs}}]\n"


@pytest.fixture
def workflow(organization: Organization, owner: User) -> Workflow:
    return create_workflow(organization, SOURCE, actor_of(owner, organization)).workflow


def made(workflow: Workflow, age: timedelta, state: str = "succeeded", **fields: object) -> None:
    moment = now() - age
    Run.objects.create(
        id=new_id(moment),
        organization_id=workflow.organization_id,
        workflow=workflow,
        version_id=workflow.latest_version_id,
        trigger_kind="manual",
        state=state,
        created_at=moment,
        **fields,
    )


def test_counted_by_when_they_were_created(workflow: Workflow) -> None:
    end = now() - timedelta(days=1)
    start = end - timedelta(days=7)
    for days, state in ((0, "failed"), (2, "succeeded"), (3, "failed"), (4, "succeeded"), (5, "queued"), (9, "failed")):
        made(workflow, timedelta(days=days), state)
    made(workflow, timedelta(days=3), "failed", livemode=False)
    assert pulse.runs(start, end) == 4
    assert pulse.failed_runs(start, end) == 1
    assert pulse.success_rate(start, end) == Decimal(200) / 3
    assert pulse.success_rate(end, end) is None


def test_who_ran_something(workflow: Workflow) -> None:
    made(workflow, timedelta(hours=1))
    made(workflow, timedelta(hours=2))
    [source] = pulse.ACTIVITY
    found = list(source.organizations(now() - timedelta(days=1), now()))
    assert found == [{"organization_id": workflow.organization_id}]
