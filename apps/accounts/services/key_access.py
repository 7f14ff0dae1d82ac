"""Whom an API key lets in, asked at each call."""

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from django.db.models import OuterRef, Q, Subquery
from django.utils.translation import gettext as _

from apps.accounts import key_format
from apps.accounts.errors import AddressNotAllowedError, InvalidKeyError
from apps.accounts.models import ApiKey, Membership
from apps.core.clock import now

USE_NOTED_EVERY = timedelta(minutes=1)
VERDICTS_KEPT = 10_000
ROLE_NOW = Subquery(
    Membership.objects.unscoped()
    .filter(organization_id=OuterRef("organization_id"), user_id=OuterRef("created_by_id"))
    .values("role")[:1]
)


@dataclass(frozen=True)
class KeyHolder:
    """For whom a key speaks, as of this moment. `role` is its maker's."""

    key: ApiKey
    role: str


def holder_of(secret: str, address: str) -> KeyHolder:
    """Whom the key lets in from this address, in one query.

    Raises `InvalidKeyError` (malformed: cut off or mistyped; else unknown, expired and revoked look alike) and
    `AddressNotAllowedError`.
    """
    if key_format.environment_of(secret) is None:
        raise InvalidKeyError(
            _("This is no whole API key: check that it was copied from “lvq_” to its last character."),
            code="malformed_api_key",
        )
    key = (
        ApiKey.objects.unscoped()
        .select_related("organization", "created_by")
        .annotate(role_now=ROLE_NOW)
        .filter(digest=key_format.digest(secret))
        .first()
    )
    role: str = getattr(key, "role_now", None) or ""
    if key is None or not key.is_live or not key.created_by.is_active or not role:
        raise InvalidKeyError(_("This key is unknown, has expired or was revoked. Create or rotate a key."))
    if key.networks and not _is_inside(address, tuple(key.networks)):
        raise AddressNotAllowedError(
            _("This key is not accepted from %(address)s: add the address to its allowed networks.")
            % {"address": address or _("an unknown address")}
        )
    note_use(key)
    return KeyHolder(key, role)


def note_use(key: ApiKey) -> None:
    """Note that a key is in use, once a minute."""
    moment = now()
    if key.last_used_at is not None and moment - key.last_used_at < USE_NOTED_EVERY:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lt=moment - USE_NOTED_EVERY)
    ApiKey.objects.unscoped().filter(stale, pk=key.pk).update(last_used_at=moment)


@lru_cache(maxsize=VERDICTS_KEPT)
def _is_inside(address: str, networks: tuple[str, ...]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in ip_network(network) for network in networks)
