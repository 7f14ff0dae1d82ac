"""A step type for tests that does as it is told, and rows of runs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from apps.accounts.models import Organization
from apps.core.clock import now
from apps.core.kinds import StepType
from apps.core.registry import contributed
from apps.workflows.definition import schema
from apps.workflows.definition import validate as validation
from apps.workflows.models import Run, Workflow
from apps.workflows.services.publishing import create_workflow
from tests.common.roles import make_organization

ONE_STEP = "name: N\nsteps: [{id: s, type: transform, with: {value: 1}}]"


@dataclass
class Calls:
    """What `probe` was called with, and what it does next: an answer to give or an exception to raise."""

    seen: list[Any] = field(default_factory=list)
    plan: list[Any] = field(default_factory=list)

    def run(self, call: Any) -> Any:
        """One call of the step type."""
        self.seen.append(call)
        answer = self.plan.pop(0) if self.plan else "ok"
        if isinstance(answer, BaseException):
            raise answer
        return answer


def _forget_schemas() -> None:
    schema.definition_schema.cache_clear()
    validation._validator.cache_clear()


@pytest.fixture
def calls() -> Iterator[Calls]:
    """A step type `probe` that records its calls and does what `plan` says next."""
    made = Calls()
    with contributed(StepType("probe", "Probe", {"type": "object"}, made.run, required=False)):
        _forget_schemas()
        yield made
    _forget_schemas()


RunRows = Callable[..., list[Run]]


@pytest.fixture
def make(organization: Organization) -> RunRows:
    """Stores `count` runs of an organization with these fields: due now, of `organization`, unless said otherwise."""
    workflows: dict[Any, Workflow] = {}

    def rows(count: int, *, of: Organization = organization, **fields: Any) -> list[Run]:
        workflow = workflows.get(of.pk) or create_workflow(of, ONE_STEP, None).workflow
        workflows[of.pk] = workflow
        moment = now()
        defaults = {"due_at": moment, "priority": 5, "trigger_kind": "api", "created_at": moment} | fields
        return Run.objects.bulk_create(
            Run(organization=of, workflow=workflow, version=workflow.latest_version, **defaults)
            for _number in range(count)
        )

    return rows


@pytest.fixture
def elsewhere(outsider: Any) -> Organization:
    """Another organization."""
    return make_organization(outsider, "Another place")
