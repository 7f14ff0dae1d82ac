"""What the versions (`apps.core.versions`) of our rows are called. Whoever changes such a row says so by that name."""

from uuid import UUID

from apps.accounts.models import ApiKey, TokenFamily
from apps.accounts.permissions import Actor


def of_key(key: ApiKey) -> str:
    """One API key."""
    return f"key:{key.pk.hex}"


def of_family(family: TokenFamily) -> str:
    """The tokens of one login."""
    return f"family:{family.pk.hex}"


def of_user(user_id: UUID) -> str:
    """A person: their name and address, whether they are active, their roles."""
    return f"user:{user_id.hex}"


def of_organization(organization_id: UUID) -> str:
    """An organization: its settings, and its limits."""
    return f"organization:{organization_id.hex}"


def of_actor(actor: Actor) -> tuple[str, ...]:
    """The person and the organization of an actor."""
    organization = (of_organization(actor.organization.pk),) if actor.organization is not None else ()
    return (of_user(actor.user.pk), *organization)
