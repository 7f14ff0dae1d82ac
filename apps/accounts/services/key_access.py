"""Reading an API key: whose it is and whether it lets anybody in."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from itertools import islice
from uuid import UUID

from django.db.models import Case, DateTimeField, Q, Value, When
from django.utils.translation import gettext as _

from apps.accounts import key_format
from apps.accounts.errors import InvalidKeyError
from apps.accounts.models import ApiKey
from apps.accounts.selectors import role_now

VERDICTS_KEPT = 10_000
NOTED_EVERY = timedelta(minutes=1)
NOTED_AT_ONCE = 200  # SQLite reads no condition of more than 1,000 parts


def find_live(secret: str) -> tuple[ApiKey, str]:
    """The live key with this secret, and its maker's role, in one query.

    Raises `InvalidKeyError` (malformed: cut off or mistyped; else unknown, expired and revoked look alike).
    """
    if key_format.environment_of(secret) is None:
        raise InvalidKeyError(
            _("This is no whole API key: check that it was copied from “lvq_” to its last character."),
            code="malformed_api_key",
        )
    key = (
        ApiKey.objects.unscoped()
        .select_related("organization__twin", "created_by")
        .annotate(role_now=role_now("created_by_id"))
        .filter(digest=key_format.digest(secret))
        .first()
    )
    role: str = getattr(key, "role_now", None) or ""
    if key is None or not key.is_live or not key.created_by.is_active or not role:
        raise unusable()
    return key, role


def unusable() -> InvalidKeyError:
    """The refusal of a key that lets nobody in (any more)."""
    return InvalidKeyError(_("This key is unknown, has expired or was revoked. Create or rotate a key."))


def note_uses(uses: Mapping[UUID, datetime]) -> None:
    """Note when keys were used last, in a few statements; what is noted never goes back in time."""
    left = iter(sorted(uses.items()))
    while part := list(islice(left, NOTED_AT_ONCE)):
        newer = Q()
        for key, moment in part:
            newer |= Q(pk=key) & (Q(last_used_at=None) | Q(last_used_at__lt=moment))
        moments = [When(pk=key, then=Value(moment)) for key, moment in part]
        ApiKey.objects.unscoped().filter(newer).update(last_used_at=Case(*moments, output_field=DateTimeField()))


def note_use(key_id: UUID, moment: datetime) -> None:
    """Note that a key was used, to the minute: for whoever tells of each call."""
    unknown = Q(last_used_at=None) | Q(last_used_at__lt=moment - NOTED_EVERY)
    ApiKey.objects.unscoped().filter(unknown, pk=key_id).update(last_used_at=moment)


def is_within(network: str, networks: Iterable[str]) -> bool:
    """Whether all addresses of a network belong to one of the others."""
    found = ip_network(network)
    return any(
        found.version == other.version and found.subnet_of(other)  # type: ignore[arg-type] # of one version
        for other in map(ip_network, networks)
    )


@lru_cache(maxsize=VERDICTS_KEPT)
def is_inside(address: str, networks: tuple[str, ...]) -> bool:
    """Whether an address belongs to one of the networks. What is no address belongs to none."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in ip_network(network) for network in networks)
