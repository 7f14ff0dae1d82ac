"""How a program proves who it is: an API key, an access token, or the browser's session with its CSRF token."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from apps.accounts import key_format
from apps.accounts.acting import bind_actor
from apps.accounts.errors import AmbiguousCredentialsError
from apps.accounts.models import User
from apps.accounts.permissions import Actor
from apps.accounts.requests import ActorRequest
from apps.accounts.services import key_access, tokens


class CredentialAuthentication(BaseAuthentication):
    """An API key (`X-API-Key`, `Authorization: Token …` or `Bearer …`) or an access token (`Bearer …`).

    Either names its organization; membership is read at each call. One call shows one credential.
    """

    def authenticate(self, request: Request) -> tuple[User, Any] | None:
        """The credential's person, or None where none is shown. Raises `InvalidTokenError`, `InvalidKeyError` (401)."""
        plain = cast(ActorRequest, request._request)
        shown = presented(request.headers)
        if shown is None:
            return None
        if key_format.looks_like_key(shown.text) or not shown.may_be_token:
            holder = key_access.holder_of(shown.text, str(plain.META.get("REMOTE_ADDR") or ""))
            key = holder.key
            actor = Actor(key.created_by, key.organization, "key", holder.role, scopes=frozenset(key.scopes))
            credential: Any = key
        else:
            token = tokens.holder_of(shown.text)
            actor = Actor(token.family.user, token.family.organization, "token", token.role)
            credential = token.family
        plain.actor, plain.organization, plain.impersonation = actor, actor.organization, None
        bind_actor(actor)
        return actor.user, credential

    def authenticate_header(self, request: Request) -> str:
        """Makes a refusal a 401."""
        return 'Bearer realm="api"'


@dataclass(frozen=True)
class Shown:
    """The credential that a call shows."""

    text: str
    may_be_token: bool = False


def presented(headers: Mapping[str, str]) -> Shown | None:
    """The one credential in a call's headers. Raises `AmbiguousCredentialsError` for two."""
    scheme, _space, text = headers.get("Authorization", "").partition(" ")
    scheme = scheme.lower()
    by_header = headers.get("X-API-Key")
    if by_header is not None and scheme in ("bearer", "token"):
        raise AmbiguousCredentialsError(_("Send either “X-API-Key” or “Authorization”, not both."))
    if by_header is not None:
        return Shown(by_header.strip())
    if scheme in ("bearer", "token"):
        return Shown(text.strip(), may_be_token=scheme == "bearer")
    return None


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
