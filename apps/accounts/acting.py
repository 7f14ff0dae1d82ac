"""Puts an actor into the context of audit, mail and events."""

from typing import Any

from apps.accounts.permissions import Actor
from apps.core.context import bind


def context_of(actor: Actor) -> dict[str, Any]:
    """What audit entries, mail and events say of who acts, and for whom."""
    organization = actor.organization
    return {
        "actor_kind": "user" if actor.via == "session" else "api",
        "actor_id": actor.user.public_id,
        "actor_label": actor.user.email,
        "impersonator_id": actor.impersonator.public_id if actor.impersonator else "",
        "organization_id": organization.pk if organization else None,
        "realm_id": organization.realm_id if organization else None,
    }


def bind_actor(actor: Actor) -> None:
    """Let audit entries, mail and events of this request know who acts, and for whom."""
    bind(**context_of(actor))
