"""What these tests ask the driver process to do, inside of the platform that the clients call."""

from apps.accounts.models import ApiKey, Organization, TokenFamily, User
from apps.accounts.services import tokens
from apps.accounts.services.api_keys import Terms, create_key
from apps.accounts.services.organizations import create_organization
from apps.usage.limits import set_limits
from apps.workflows.engine.worker import work
from apps.workflows.services.publishing import create_workflow
from tests.common.roles import actor_of


def prepare(sources: dict[str, str]) -> str:
    """An organization with these workflows and room for calls. Returns its key."""
    user = User.objects.create_user("owner@example.com", "correct-horse-battery", name="Olivia Owner")
    organization = create_organization(user, name="Acme")
    actor = actor_of(user, organization)
    for slug, source in sources.items():
        create_workflow(organization, source, actor, slug=slug)
    allow(100_000)
    return create_key(actor, organization, ApiKey.Environment.LIVE, Terms("SDK")).secret


def token() -> str:
    """An access token of the owner."""
    user = User.objects.get(email="owner@example.com")
    organization = Organization.objects.get(name="Acme", twin_of=None)
    return tokens.mint(user, organization, origin=TokenFamily.Origin.SESSION, client_name="SDK").access


def allow(per_minute: int) -> None:
    """Let the organization call so often."""
    set_limits(
        Organization.objects.get(name="Acme", twin_of=None), "enterprise", calls=1_000_000, per_minute=per_minute
    )


def sandbox_key() -> str:
    """A key of the organization's sandbox, once the runs in it have ended or wait."""
    user = User.objects.get(email="owner@example.com")
    organization = Organization.objects.get(name="Acme", twin_of=None)
    key = create_key(actor_of(user, organization), organization, ApiKey.Environment.TEST, Terms("Snippets")).secret
    work()
    return key
