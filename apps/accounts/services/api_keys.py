"""API keys come to be, are replaced and end. The secret is told once, to whoever made it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.accounts import key_format
from apps.accounts.errors import KeyLimitError, PermissionDeniedError
from apps.accounts.models import ApiKey, Environment, Membership, Organization, User
from apps.accounts.names import clean_name
from apps.accounts.permissions import Actor, key_scopes
from apps.accounts.services import key_access, version_names
from apps.accounts.services.sandbox import sandbox_of
from apps.audit.services import record
from apps.core import versions
from apps.core.clock import now
from apps.core.errors import ConflictError, InvalidInputError, NotFoundError
from apps.core.events import emit

LONGEST_OVERLAP = timedelta(days=30)
ROTATIONS_A_DAY = 20  # each makes a row and a rate limit that is full again
MOST_NETWORKS = 50
LONGEST_LIFE = timedelta(days=5 * 366)


@dataclass(frozen=True)
class Terms:
    """What a key is for and how far it goes. `scopes` None means all that a key can have."""

    name: str
    scopes: Sequence[str] | None = None
    networks: Sequence[str] = ()
    expires_at: datetime | None = None


@dataclass(frozen=True)
class IssuedKey:
    """A new key with its secret, which nobody can show again."""

    key: ApiKey
    secret: str


def create_key(actor: Actor, organization: Organization, environment: str, terms: Terms) -> IssuedKey:
    """Make the organization's key for an environment.

    Raises `KeyLimitError` where one is active or was created today (UTC), `InvalidInputError` for bad terms.
    """
    if environment not in ApiKey.Environment.values:
        raise InvalidInputError(_("“environment” is “live” or “test”."), code="invalid_environment")
    with transaction.atomic():
        _lock(organization)
        own = ApiKey.objects.for_organization(organization).filter(environment=environment)
        _end_expired(own)
        if own.filter(state=ApiKey.State.ACTIVE).exists():
            raise KeyLimitError(
                _("There is an active key already. Rotate it for a new secret, or revoke it first."),
                code="active_key_exists",
            )
        if own.filter(origin=ApiKey.Origin.NEW, created_on=now().date()).exists():
            raise KeyLimitError(
                _("One key a day can be created, and today's was. The next can be from 00:00 UTC on."),
                code="one_new_key_a_day",
                retry_after=_until_tomorrow(),
            )
        issued = _issue(actor.user, organization, environment, _checked(terms), origin=ApiKey.Origin.NEW)
        if environment == Environment.TEST:
            sandbox_of(organization, actor.user)
        return issued


def rotate_key(actor: Actor, key: ApiKey, overlap: timedelta) -> IssuedKey:
    """Replace an active key; the old one stays good for `overlap`, 0 to 30 days, or until the next rotation.

    At most two keys of an environment are good so: each has a rate limit of its own, and many would multiply it.
    Raises `ConflictError` for a key that is not active, `InvalidInputError` for another overlap, `KeyLimitError`
    after `ROTATIONS_A_DAY`.
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise InvalidInputError(_("The overlap is from 0 to 30 days."), code="invalid_overlap")
    with transaction.atomic():
        _lock(key.organization)
        current = _locked(key)
        if current.state != ApiKey.State.ACTIVE or not current.is_live:
            raise ConflictError(_("Only an active key can be rotated."), code="key_not_active")
        own = ApiKey.objects.for_organization(key.organization_id).filter(environment=current.environment)
        if own.filter(origin=ApiKey.Origin.ROTATION, created_on=now().date()).count() >= ROTATIONS_A_DAY:
            raise KeyLimitError(
                _("A key can be rotated %(most)s times a day. It can be again from 00:00 UTC on.")
                % {"most": ROTATIONS_A_DAY},
                code="too_many_rotations",
                retry_after=_until_tomorrow(),
            )
        _end_expired(own)
        for earlier in own.filter(state=ApiKey.State.ROTATING):
            _revoke(_locked(earlier), "rotated")
        if overlap:
            current.state, current.overlap_until = ApiKey.State.ROTATING, now() + overlap
            current.save(update_fields=["state", "overlap_until"])
        else:
            _revoke(current, "rotated")
        return _issue(
            actor.user,
            current.organization,
            current.environment,
            _terms_of(current),
            origin=ApiKey.Origin.ROTATION,
            replaces=current,
        )


def change_key(user: User, key: ApiKey, terms: Terms) -> None:
    """Change name, scopes, networks or expiry of a key that is live. It acts for its maker, who alone lets it do more.

    Raises `ConflictError`, `InvalidInputError`, `PermissionDeniedError`.
    """
    checked = _checked(terms)
    with transaction.atomic():
        current = _locked(key)
        if not current.is_live:
            raise ConflictError(_("This key has ended."), code="key_not_active")
        if user != current.created_by and _is_wider(checked, current):
            raise PermissionDeniedError(
                _("This key acts for %(name)s, who alone can let it do more. Rotate it: the new key is yours.")
                % {"name": current.created_by.name or current.created_by.email},
                code="not_your_key",
            )
        before = _as_data(current)
        current.name, current.scopes = checked.name, list(checked.scopes or ())
        current.networks, current.expires_at = list(checked.networks), checked.expires_at
        current.save(update_fields=["name", "scopes", "networks", "expires_at"])
        record(
            "accounts.api_key_changed",
            target=current,
            data={"before": before, "after": _as_data(current)},
            organization_id=current.organization_id,
        )


def _is_wider(terms: Terms, key: ApiKey) -> bool:
    """Whether the terms allow a key anything that it may not do now."""
    longer = key.expires_at is not None and (terms.expires_at is None or terms.expires_at > key.expires_at)
    elsewhere = bool(key.networks) and (
        not terms.networks or not all(key_access.is_within(network, key.networks) for network in terms.networks)
    )
    return longer or elsewhere or not set(terms.scopes or ()) <= set(key.scopes)


def revoke_key(key: ApiKey, *, reason: str = "revoked") -> None:
    """Refuse a key from the next call on. Twice changes nothing."""
    with transaction.atomic():
        current = _locked(key)
        if current.state == ApiKey.State.REVOKED:
            return
        _revoke(current, reason)


def revoke_keys_of(user: User, *, reason: str, organization: Organization | None = None) -> int:
    """Revoke the keys that a person made, in one organization or everywhere. Returns how many."""
    own = ApiKey.objects.unscoped().filter(created_by=user).exclude(state=ApiKey.State.REVOKED)
    if organization is not None:
        own = own.filter(organization=organization)
    keys = list(own.select_related("organization"))
    for key in keys:
        revoke_key(key, reason=reason)
    return len(keys)


def report_leak(secret: str) -> ApiKey | None:
    """Revoke the key that somebody found in the open, and tell its organization. None where it is no live key."""
    if key_format.environment_of(secret) is None:
        return None
    key = (
        ApiKey.objects.unscoped()
        .select_related("organization", "created_by")
        .filter(digest=key_format.digest(secret))
        .first()
    )
    if key is None or not key.is_live:
        return None
    with transaction.atomic():
        _lock(key.organization)
        current = _locked(key)
        if current.state == ApiKey.State.REVOKED:
            return None
        _revoke(current, "leaked")
        emit(
            "api_key_leaked",
            {"key": current.public_id, "name": current.name, "shown": current.shown},
            organization_id=current.organization_id,
            realm_id=current.organization.realm_id,
        )
    return current


def replace_leaked(actor: Actor, key: ApiKey) -> IssuedKey:
    """A key in place of one that leaked: the limit of one a day does not count. Raises `ConflictError` for another.

    Where the leaked one would have expired since, its replacement lives as long as that one was to.
    """
    with transaction.atomic():
        _lock(key.organization)
        current = _locked(key)
        if current.reason != "leaked" or ApiKey.objects.unscoped().filter(replaces=current).exists():
            raise ConflictError(_("This key needs no replacement."), code="not_leaked")
        own = ApiKey.objects.for_organization(key.organization_id).filter(environment=current.environment)
        _end_expired(own)
        if own.filter(state=ApiKey.State.ACTIVE).exists():
            raise KeyLimitError(_("There is an active key already."), code="active_key_exists")
        return _issue(
            actor.user,
            current.organization,
            current.environment,
            _terms_anew(current),
            origin=ApiKey.Origin.LEAK,
            replaces=current,
        )


def end_expired() -> int:
    """Mark keys whose time is over as revoked, so that they stand in nobody's way. Returns how many."""
    return _end_expired(ApiKey.objects.unscoped())


def _end_expired(keys: Any) -> int:
    moment = now()
    over = keys.exclude(state=ApiKey.State.REVOKED)
    ended: int = over.filter(overlap_until__lte=moment).update(
        state=ApiKey.State.REVOKED, revoked_at=moment, reason="rotated"
    )
    ended += over.filter(expires_at__lte=moment).update(state=ApiKey.State.REVOKED, revoked_at=moment, reason="expired")
    return ended


def _lock(organization: Organization) -> None:
    """Changes of one organization's keys follow one another."""
    Organization.objects.select_for_update(of=("self",), no_key=True).get(pk=organization.pk)


def _locked(key: ApiKey) -> ApiKey:
    """The row as it is now, to be changed: nobody goes by what it said before."""
    versions.changed(version_names.of_key(key))
    row = (
        ApiKey.objects.for_organization(key.organization_id)
        .select_for_update(of=("self",), no_key=True)
        .select_related("organization", "created_by")
        .filter(pk=key.pk)
        .first()
    )
    if row is None:
        raise NotFoundError(_("There is no such key."))
    return row


def _issue(
    user: User,
    organization: Organization,
    environment: str,
    terms: Terms,
    *,
    origin: str,
    replaces: ApiKey | None = None,
) -> IssuedKey:
    if not Membership.objects.for_organization(organization).filter(user=user).exists():
        raise NotFoundError(_("You do not belong to this organization."))
    secret, moment = key_format.new_secret(environment), now()
    try:
        with transaction.atomic():
            key = ApiKey.objects.create(
                organization=organization,
                created_by=user,
                name=terms.name,
                environment=environment,
                origin=origin,
                digest=key_format.digest(secret),
                last_four=secret[-4:],
                scopes=list(terms.scopes or ()),
                networks=list(terms.networks),
                expires_at=terms.expires_at,
                replaces=replaces,
                created_at=moment,
                created_on=moment.date(),
            )
    except IntegrityError as error:  # the constraints say so where no lock did
        raise KeyLimitError(_("Another key was created at the same moment.")) from error
    record(
        "accounts.api_key_created",
        target=key,
        data={**_as_data(key), "origin": origin},
        organization_id=organization.pk,
    )
    return IssuedKey(key, secret)


def _revoke(key: ApiKey, reason: str) -> None:
    key.state, key.revoked_at, key.reason = ApiKey.State.REVOKED, now(), reason
    key.save(update_fields=["state", "revoked_at", "reason"])
    record("accounts.api_key_revoked", target=key, data={"reason": reason}, organization_id=key.organization_id)


def _as_data(key: ApiKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "environment": key.environment,
        "scopes": key.scopes,
        "networks": key.networks,
        "expires_at": key.expires_at.isoformat() if key.expires_at else None,
    }


def _terms_of(key: ApiKey) -> Terms:
    return Terms(key.name, key.scopes, key.networks, key.expires_at)


def _terms_anew(key: ApiKey) -> Terms:
    """The terms of a key; its length of life again where that is over, since nobody can use a key that was."""
    terms = _terms_of(key)
    if key.expires_at is None or key.expires_at > now():
        return terms
    return replace(terms, expires_at=now() + min(key.expires_at - key.created_at, LONGEST_LIFE))


def _until_tomorrow() -> int:
    """Seconds until the next day (UTC)."""
    tomorrow = (now() + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return max(int((tomorrow - now()).total_seconds()), 1)


def _checked(terms: Terms) -> Terms:
    """The terms in their normal form. Raises `InvalidInputError`."""
    known = key_scopes()
    scopes = list(known) if terms.scopes is None else sorted(set(terms.scopes))
    if not scopes:
        raise InvalidInputError(_("A key needs a scope."), code="no_scope")
    if strange := [scope for scope in scopes if scope not in known]:
        raise InvalidInputError(
            _("There is no scope “%(scope)s”. Known are: %(known)s.")
            % {"scope": strange[0][:80], "known": ", ".join(known)},
            code="unknown_scope",
        )
    moment = now()
    if terms.expires_at is not None and not moment < terms.expires_at <= moment + LONGEST_LIFE:
        raise InvalidInputError(_("A key expires in the future, within five years."), code="invalid_expiry")
    return Terms(clean_name(terms.name), scopes, _checked_networks(terms.networks), terms.expires_at)


def _checked_networks(texts: Sequence[str]) -> list[str]:
    if len(texts) > MOST_NETWORKS:
        raise InvalidInputError(_("A key has at most 50 networks."), code="too_many_networks")
    networks = []
    for text in texts:
        try:
            networks.append(str(ip_network(text.strip())))
        except ValueError as error:
            raise InvalidInputError(
                _("“%(text)s” is no network such as 203.0.113.0/24 or 2001:db8::/32.") % {"text": text[:60]},
                code="invalid_network",
            ) from error
    return list(dict.fromkeys(networks))
