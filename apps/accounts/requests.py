"""What `ActorMiddleware` adds to a request, for the type checker: at run time every request is Django's own."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.http import HttpRequest

from apps.accounts.models import Impersonation, Organization, User
from apps.accounts.permissions import Actor
from apps.core.errors import DomainError

if TYPE_CHECKING:
    from apps.accounts.services.access import Access


class ActorRequest(HttpRequest):
    """Any request behind the middleware; `actor` is None for visitors. `access` is that of a credential, if shown."""

    actor: Actor | None
    access: "Access"
    organization: Organization | None
    impersonation: Impersonation | None
    actor_refusal: DomainError | None
    organization_offered: Organization | None
    may: Callable[[str], bool]


class PersonRequest(ActorRequest):
    """A signed-in person's request; they may have no organization."""

    user: User
    actor: Actor


class MemberRequest(PersonRequest):
    """A request for the current organization, by a member of it."""

    organization: Organization
