"""The example workflows in the demo organization, with a first run of two of them."""

from pathlib import Path

from django.conf import settings

from apps.accounts.models import Membership, Organization
from apps.accounts.permissions import Actor
from apps.core.errors import ForbiddenError, NotFoundError
from apps.workflows.models import Run, Workflow
from apps.workflows.services.publishing import create_workflow
from apps.workflows.services.secrets import put_secret
from apps.workflows.services.starting import Start, start_run

EXAMPLES = Path(settings.BASE_DIR) / "fixtures" / "examples"
FIRST_RUNS = ("order-digest", "notify-customers")


def load() -> str:
    """Publish the examples that are not there yet. Raises `ForbiddenError` outside of a demo."""
    if not settings.DEMO:
        raise ForbiddenError(
            "Example workflows call the demo's own endpoints: DEMO must be on."
        )  # not translated: for operators
    organization = Organization.objects.filter(slug="demo", realm__is_default=True).first()
    if organization is None:
        raise NotFoundError(
            "The demo organization is missing: load the demo accounts first."
        )  # not translated: for operators
    owner = Membership.objects.for_organization(organization).select_related("user").order_by("pk")[0]
    actor = Actor(owner.user, organization, "session", owner.role)
    put_secret(organization, "DEMO_TOKEN", "demo-token-for-the-ticket-desk", actor)
    sources = {path.stem: path.read_text() for path in sorted(EXAMPLES.glob("*.yaml"))}
    existing = set(Workflow.objects.for_organization(organization).values_list("slug", flat=True))
    for slug in sorted(sources.keys() - existing):
        create_workflow(organization, sources[slug], actor, slug=slug)
    for slug in FIRST_RUNS:
        workflow = Workflow.objects.for_organization(organization).get(slug=slug)
        start_run(workflow, Start(kind=Run.TriggerKind.MANUAL, user=actor.user, idempotency_key="demo:first-run"))
    return f"{len(sources)} example workflows"
