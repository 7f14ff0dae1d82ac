"""What a sandbox holds from the start: workflows whose calls are mocked, and runs of them."""

from pathlib import Path

from django.conf import settings

from apps.accounts.models import Organization, Role, User
from apps.accounts.permissions import Actor
from apps.workflows.models import Run
from apps.workflows.services.publishing import create_workflow
from apps.workflows.services.starting import Start, start_run

SOURCES = Path(settings.BASE_DIR) / "fixtures" / "sandbox"


def load(organization: Organization, user: User) -> None:
    """Publish the sandbox's workflows and start each once."""
    actor = Actor(user, organization, "session", Role.OWNER)
    for path in sorted(SOURCES.glob("*.yaml")):
        workflow = create_workflow(organization, path.read_text(), actor, slug=path.stem).workflow
        start_run(workflow, Start(kind=Run.TriggerKind.MANUAL, user=user, livemode=False))
