"""JWT pairs: a short access token and a refresh token that is replaced at each use.

The row of a family is the revocation table: it knows the one refresh token that is good, and whether any is.
"""

import hashlib
import hmac
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError

from apps.accounts.errors import InvalidTokenError, NoOrganizationError
from apps.accounts.models import Environment, Membership, Organization, TokenFamily, User
from apps.accounts.selectors import role_now
from apps.accounts.services import version_names
from apps.accounts.services.sandbox import sandbox_of
from apps.audit.services import record
from apps.core import versions
from apps.core.clock import now
from apps.core.context import current
from apps.core.errors import InvalidInputError, LimitExceededError
from apps.core.ids import InvalidIdError, new_id

ALGORITHM = "HS256"
LIVE_FAMILIES_PER_USER = 50
SANDBOX_LIFETIME = timedelta(hours=1)
ACCESS, REFRESH = "access", "refresh"


@dataclass(frozen=True)
class TokenPair:
    """What a program gets. `expires_in` is the access token's life in seconds."""

    access: str
    refresh: str
    expires_in: int
    organization: Organization

    def as_json(self) -> dict[str, Any]:
        """The pair as the API tells it."""
        return {
            "access": self.access,
            "refresh": self.refresh,
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            "organization": {"id": self.organization.public_id, "name": self.organization.name},
        }


@dataclass(frozen=True)
class TokenHolder:
    """Who an access token speaks for, as of this moment."""

    family: TokenFamily
    role: str
    ends_at: datetime


@cache
def _backend(secret: str) -> TokenBackend:
    """simplejwt's encoder with a key of its own, derived from Django's secret."""
    key = salted_hmac("levqor.jwt", "signing", secret=secret, algorithm="sha256").hexdigest()
    return TokenBackend(ALGORITHM, signing_key=key, issuer="levqor")


def _decode(token: str, kind: str) -> dict[str, Any]:
    """The claims of a token of this kind. Raises `InvalidTokenError`."""
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            claims: dict[str, Any] = _backend(secret).decode(token)  # type: ignore[arg-type] # text is what it takes
        except (TokenBackendError, ValueError):
            continue
        if claims.get("typ") == kind:
            return claims
    raise InvalidTokenError(_("The token is malformed, expired or of the wrong kind."))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _pair(family: TokenFamily, jti: str) -> TokenPair:
    issued = now()
    base = _claims(family, issued)
    access = {**base, "typ": ACCESS, "jti": new_id().hex, "exp": _seconds(issued + settings.JWT_ACCESS_LIFETIME)}
    refresh = {**base, "typ": REFRESH, "jti": jti, "gen": family.generation, "exp": _seconds(family.expires_at)}
    encode = _backend(settings.SECRET_KEY).encode
    seconds = int(settings.JWT_ACCESS_LIFETIME.total_seconds())
    return TokenPair(encode(access), encode(refresh), seconds, family.organization)


def _claims(family: TokenFamily, issued: datetime) -> dict[str, Any]:
    return {
        "sub": family.user.public_id,
        "org": family.organization.public_id,
        "fam": family.public_id,
        "iat": _seconds(issued),
    }


def mint(user: User, organization: Organization, *, origin: str, client_name: str) -> TokenPair:
    """Begin a family and return its first pair.

    Raises `NoOrganizationError` for a stranger to the organization, `LimitExceededError` at 50 live families.
    """
    jti = new_id().hex
    family = _begin(
        user,
        organization,
        settings.JWT_REFRESH_LIFETIME,
        origin=origin,
        client_name=clean_client_name(client_name),
        current_hash=_hash(jti),
    )
    return _pair(family, jti)


def _begin(user: User, organization: Organization, lifetime: timedelta, **fields: Any) -> TokenFamily:
    with transaction.atomic():
        User.objects.select_for_update(of=("self",), no_key=True).get(pk=user.pk)
        if not Membership.objects.for_organization(organization).filter(user=user).exists():
            raise NoOrganizationError(_("You do not belong to this organization."))
        live = user.token_families.filter(revoked_at=None, expires_at__gt=now()).count()
        if live >= LIVE_FAMILIES_PER_USER:
            raise LimitExceededError(
                _("You have %(count)s connected programs, the most allowed. Revoke one first.") % {"count": live}
            )
        moment = now()
        family = TokenFamily.objects.create(
            user=user,
            organization=organization,
            ip=current().ip,
            created_at=moment,
            last_used_at=moment,
            expires_at=moment + lifetime,
            **fields,
        )
        record(
            "accounts.token_created",
            target=family,
            data={"client": family.client_name, "origin": family.origin, "environment": family.environment},
            organization_id=organization.pk,
        )
    return family


def mint_sandbox_token(user: User, organization: Organization) -> str:
    """An access token for the organization's sandbox, good for an hour and not to be refreshed.

    Raises as `mint`.
    """
    sandbox_of(organization, user)
    moment = now()
    name = _("Sandbox, from the documentation")
    family = _begin(
        user,
        organization,
        SANDBOX_LIFETIME,
        origin=TokenFamily.Origin.SESSION,
        client_name=name,
        current_hash=_hash(new_id().hex),  # of a refresh token that nobody has
        environment=Environment.TEST,
    )
    claims = _claims(family, moment)
    token: str = _backend(settings.SECRET_KEY).encode(
        {**claims, "typ": ACCESS, "jti": new_id().hex, "exp": _seconds(moment + SANDBOX_LIFETIME)}
    )
    return token


def clean_client_name(name: str) -> str:
    """A program's name, printable and 1 to 80 characters long. Raises `InvalidInputError`."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= 80 or not name.isprintable():
        raise InvalidInputError(_("The client's name has 1 to 80 printable characters."), code="invalid_client_name")
    return name


def refresh(token: str) -> TokenPair:
    """Replace a refresh token by the next pair.

    Raises `InvalidTokenError`; a token that was replaced before revokes its whole family first (code `token_reused`).
    """
    claims = _decode(token, REFRESH)
    with transaction.atomic():
        family = _family(claims, lock=True)
        if not _still_good(family):
            raise unusable()
        reused = not hmac.compare_digest(family.current_hash, _hash(str(claims.get("jti"))))
        if reused:
            _revoke(family, "reuse")
            record(
                "accounts.token_reuse",
                actor=family.user,
                target=family,
                data={"client": family.client_name, "generation": claims.get("gen")},
                organization_id=family.organization_id,
            )
        else:
            jti, moment = new_id().hex, now()
            family.current_hash, family.generation = _hash(jti), family.generation + 1
            family.last_used_at, family.expires_at = moment, moment + settings.JWT_REFRESH_LIFETIME
            family.ip = current().ip
            family.save(update_fields=["current_hash", "generation", "last_used_at", "expires_at", "ip"])
    if reused:  # told only now, so that the revocation is kept
        raise InvalidTokenError(
            _("This refresh token was used before. All tokens of this login are revoked: log in again."),
            code="token_reused",
        )
    return _pair(family, jti)


def holder_of(token: str) -> TokenHolder:
    """Who an access token speaks for. Raises `InvalidTokenError` (also for a member who was removed).

    One query: revocation, membership and role as they are now.
    """
    claims = _decode(token, ACCESS)
    family = _family(claims)
    if not _still_good(family):
        raise unusable()
    ends_at = min(datetime.fromtimestamp(claims["exp"], tz=UTC), family.expires_at)
    return TokenHolder(family, _role(family), ends_at)


def unusable() -> InvalidTokenError:
    """The refusal of a token that lets nobody in (any more)."""
    return InvalidTokenError(_("The token was revoked or has expired."))


def revoke_by_refresh_token(token: str) -> None:
    """Revoke the family of a refresh token. A token that means nothing (any more) is no error, as in RFC 7009."""
    try:
        family = _family(_decode(token, REFRESH))
    except InvalidTokenError:
        return
    revoke(family, by=family.user, reason="logged_out")


def revoke(family: TokenFamily, *, by: User, reason: str = "revoked") -> None:
    """Refuse every token of a family from now on. Twice changes nothing."""
    with transaction.atomic():
        if _revoke(family, reason):
            record(
                "accounts.token_revoked",
                actor=by,
                target=family,
                data={"client": family.client_name, "reason": reason},
                organization_id=family.organization_id,
            )


def revoke_all(user: User, *, reason: str, organization: Organization | None = None) -> int:
    """Revoke a person's live families, or those for one organization. Returns how many."""
    families = user.token_families.filter(revoked_at=None)
    if organization is not None:
        families = families.filter(organization=organization)
    found = list(families.select_related("user"))
    for family in found:
        revoke(family, by=user, reason=reason)
    return len(found)


def _revoke(family: TokenFamily, reason: str) -> bool:
    versions.changed(version_names.of_family(family))
    changed = (
        TokenFamily.objects.unscoped().filter(pk=family.pk, revoked_at=None).update(revoked_at=now(), reason=reason)
    )
    return bool(changed)


def _family(claims: dict[str, Any], *, lock: bool = False) -> TokenFamily:
    """The family that a token belongs to, with user, organization and the membership's role as it is now."""
    try:
        key: uuid.UUID = TokenFamily.parse_public_id(str(claims.get("fam")))
    except InvalidIdError as error:
        raise InvalidTokenError(_("The token is malformed.")) from error
    families = TokenFamily.objects.unscoped().annotate(role_now=role_now("user_id"))
    families = families.select_related("user", "organization__twin")
    if lock:
        families = families.select_for_update(of=("self",), no_key=True)
    family = families.filter(pk=key).first()
    if family is None or claims.get("sub") != family.user.public_id:
        raise unusable()
    return family


def _role(family: TokenFamily) -> str:
    role: str | None = family.role_now  # type: ignore[attr-defined] # annotated by `_family`
    return role or ""


def _still_good(family: TokenFamily) -> bool:
    return family.is_live and family.user.is_active and bool(_role(family))
