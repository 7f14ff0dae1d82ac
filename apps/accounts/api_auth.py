"""How a program proves who it is: an API key, an access token, or the browser's session with its CSRF token."""

from typing import Any, cast

from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from apps.accounts.models import User
from apps.accounts.requests import ActorRequest
from apps.accounts.services.access import Access
from apps.core.context import bind


class CredentialAuthentication(BaseAuthentication):
    """An API key (`X-API-Key`, `Authorization: Token …` or `Bearer …`) or an access token (`Bearer …`).

    Either names its organization. The gate (`apps.usage.gate`) has asked whether it is good: `act_as` says so.
    """

    def authenticate(self, request: Request) -> tuple[User, Any] | None:
        """The person for whom the gate let the credential in, or None: nothing gets in past the gate."""
        access: Access | None = getattr(request._request, "access", None)
        return None if access is None else (access.actor.user, access.credential)

    def authenticate_header(self, request: Request) -> str:
        """Makes a refusal a 401."""
        return 'Bearer realm="api"'


def act_as(request: ActorRequest, access: Access) -> None:
    """Let the request be the credential's: its actor, and what audit, mail and events say of it."""
    request.access = access
    request.actor, request.organization, request.impersonation = access.actor, access.actor.organization, None
    bind(**access.context)


class OrganizationSessionAuthentication(SessionAuthentication):
    """The browser's session; `ActorMiddleware` has resolved person and organization already."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        """The session's person with CSRF enforced, or None."""
        plain = cast(ActorRequest, request._request)
        user = plain.user
        if isinstance(user, AnonymousUser) or not user.is_active or plain.actor is None:
            return None
        self.enforce_csrf(request)
        return user, None

    def authenticate_header(self, request: Request) -> str:
        """Makes a missing login a 401 also where a session is the only way."""
        return 'Session realm="api"'
