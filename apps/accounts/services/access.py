"""Whom a credential lets in: the one answer for API keys and access tokens, and what may be remembered of it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from apps.accounts import key_format
from apps.accounts.acting import context_of
from apps.accounts.errors import AddressNotAllowedError, AmbiguousCredentialsError
from apps.accounts.models import ApiKey, Environment, Organization, TokenFamily
from apps.accounts.permissions import Actor
from apps.accounts.services import key_access, tokens, version_names
from apps.core.clock import now


@dataclass(frozen=True)
class Shown:
    """The credential that a call shows."""

    text: str
    may_be_token: bool = False

    @property
    def is_key(self) -> bool:
        """Whether it is to be read as an API key."""
        return key_format.looks_like_key(self.text) or not self.may_be_token

    @cached_property
    def digest(self) -> str:
        """What stands for it where the text itself must not."""
        kind = "key" if self.is_key else "token"  # a token in a key's place lets nobody in
        return hashlib.sha256(f"{kind} {self.text}".encode("utf-8", "surrogateescape")).hexdigest()


def presented(meta: Mapping[str, Any]) -> Shown | None:
    """The one credential in the headers of `request.META`. Raises `AmbiguousCredentialsError` for two."""
    scheme, _space, text = meta.get("HTTP_AUTHORIZATION", "").partition(" ")
    scheme = scheme.lower()
    by_header = meta.get("HTTP_X_API_KEY")
    if by_header is not None and scheme in ("bearer", "token"):
        raise AmbiguousCredentialsError(_("Send either “X-API-Key” or “Authorization”, not both."))
    if by_header is not None:
        return Shown(by_header.strip())
    if scheme in ("bearer", "token"):
        return Shown(text.strip(), may_be_token=scheme == "bearer")
    return None


def shows_credential(meta: Mapping[str, Any]) -> bool:
    """Whether there is anything that `presented` reads."""
    try:
        return presented(meta) is not None
    except AmbiguousCredentialsError:
        return True


@dataclass(frozen=True)
class Access:
    """For whom a credential speaks: one of the sandbox speaks for the organization's twin.

    True as long as the versions of `made_of` are, and until `ends_at`.
    """

    actor: Actor
    credential: ApiKey | TokenFamily
    ends_at: datetime | None
    made_of: tuple[str, ...]

    @cached_property
    def context(self) -> dict[str, Any]:
        """What audit, mail and events say of its calls."""
        return context_of(self.actor)

    @property
    def key_id(self) -> UUID | None:
        """The API key, if it is one."""
        return self.credential.pk if isinstance(self.credential, ApiKey) else None

    def check(self, address: str) -> None:
        """What changes from call to call: the time, and where the call comes from. Raises as `access_of`."""
        if self.ends_at is not None and self.ends_at <= now():
            raise key_access.unusable() if isinstance(self.credential, ApiKey) else tokens.unusable()
        networks = self.credential.networks if isinstance(self.credential, ApiKey) else None
        if networks and not key_access.is_inside(address, tuple(networks)):
            raise AddressNotAllowedError(
                _("This key is not accepted from %(address)s: add the address to its allowed networks.")
                % {"address": address or _("an unknown address")}
            )


def access_of(shown: Shown) -> Access:
    """Whom the credential lets in, in one query; `check` the rest. Raises `InvalidKeyError`, `InvalidTokenError`."""
    if shown.is_key:
        key, role = key_access.find_live(shown.text)
        actor = Actor(key.created_by, _place(key), "key", role, scopes=frozenset(key.scopes))
        return Access(actor, key, key.good_until, (version_names.of_key(key), *version_names.of_actor(actor)))
    token = tokens.holder_of(shown.text)
    actor = Actor(token.family.user, _place(token.family), "token", token.role)
    names = (version_names.of_family(token.family), *version_names.of_actor(actor))
    return Access(actor, token.family, token.ends_at, names)


def _place(credential: ApiKey | TokenFamily) -> Organization:
    """The organization, or its twin, which was made with the first credential of the sandbox."""
    organization = credential.organization
    return organization.twin if credential.environment == Environment.TEST else organization
