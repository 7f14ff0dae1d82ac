"""What benchmarks ask the driver process to do, inside of the measured platform."""

import time
from functools import cache

from django.db.models import Min

from apps.accounts.models import User
from apps.accounts.services.organizations import create_organization
from apps.core.clock import now
from apps.workflows.models import Run, StepRun, Workflow
from apps.workflows.services.publishing import create_workflow
from apps.workflows.services.starting import Start, start_run
from tests.benchmarks import bare_celery
from tests.benchmarks.producing import in_threads


def publish(sources: dict[str, str]) -> int:
    """An organization with these workflows. Returns how many there are."""
    user = User.objects.create_user("owner@example.com", "correct-horse-battery", name="Olivia Owner")
    organization = create_organization(user, name="Acme")
    for slug, source in sources.items():
        create_workflow(organization, source, None, slug=slug)
    return len(sources)


@cache
def _workflow(slug: str) -> Workflow:
    return Workflow.objects.unscoped().get(slug=slug)


def enqueue(slug: str, count: int) -> float:
    """Start so many runs, as the API's threads do. Returns the seconds that it took."""
    workflow = _workflow(slug)
    return in_threads(lambda: start_run(workflow, Start(kind=Run.TriggerKind.API)), count)


def start_one_by_one(slug: str, count: int, pause: float) -> dict[str, float]:
    """Start so many runs with a pause before each. Returns when `start_run` was called, by run."""
    workflow, moments = _workflow(slug), {}
    for _number in range(count):
        time.sleep(pause)
        moment = now()
        run = start_run(workflow, Start(kind=Run.TriggerKind.API))
        moments[str(run.pk)] = moment.timestamp()
    return moments


def first_steps(runs: list[str]) -> dict[str, float]:
    """When the first step of each of these runs began. Without those that have not."""
    steps = StepRun.objects.unscoped().filter(run_id__in=runs, started_at__isnull=False)
    rows = steps.order_by().values_list("run_id").annotate(begun=Min("started_at"))
    return {str(run): begun.timestamp() for run, begun in rows}


def bare(count: int) -> float:
    """Send so many of bare Celery's tasks. Returns the seconds that it took."""
    return in_threads(bare_celery.nothing.apply_async, count)


def states() -> dict[str, int]:
    """How many runs are in each state."""
    found: dict[str, int] = {}
    for state in Run.objects.unscoped().values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found
