"""Device login (RFC 8628): a terminal asks, a person approves in the browser, the terminal gets a token pair."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from apps.accounts import selectors
from apps.accounts.errors import DeviceLoginError, NoOrganizationError, UnknownCodeError
from apps.accounts.models import DeviceAuthorization, Organization, TokenFamily, User
from apps.accounts.services import tokens
from apps.audit.services import record
from apps.core.brand import current_brand
from apps.core.clock import now
from apps.core.context import current

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"  # RFC 8628 6.1: no vowels (no words), nothing that looks like a digit
CODE_LENGTH = 8
LIFETIME = timedelta(minutes=10)
INTERVAL = 5


@dataclass(frozen=True)
class DeviceStart:
    """What the terminal shows and polls with. Times in seconds."""

    device_code: str
    user_code: str
    interval: int
    expires_in: int

    def as_json(self) -> dict[str, Any]:
        """As RFC 8628 names it."""
        address = current_brand().site_url + reverse("device")
        return {
            "device_code": self.device_code,
            "user_code": self.user_code,
            "verification_uri": address,
            "verification_uri_complete": f"{address}?user_code={self.user_code}",
            "expires_in": self.expires_in,
            "interval": self.interval,
        }


def _device_hash(device_code: str) -> str:
    return hashlib.sha256(device_code.encode()).hexdigest()


def _user_code_hash(user_code: str) -> str:
    """Keyed, because eight letters could be guessed from a plain hash."""
    return salted_hmac("levqor.device.user_code", user_code, algorithm="sha256").hexdigest()


def normalized(user_code: str) -> str:
    """A code as typed by a person: any case, with or without the hyphen."""
    return "".join(letter for letter in user_code.upper() if letter.isalnum())


def shown(user_code: str) -> str:
    """A code in the form that the terminal shows: two groups of four."""
    letters = normalized(user_code)
    return f"{letters[:4]}-{letters[4:]}"


def start(client_name: str) -> DeviceStart:
    """A terminal asks to be let in. Raises `InvalidInputError` for a bad client name."""
    client_name = tokens.clean_client_name(client_name)
    device_code = secrets.token_urlsafe(32)
    letters = "".join(secrets.choice(ALPHABET) for _position in range(CODE_LENGTH))
    moment = now()
    DeviceAuthorization.objects.create(
        device_hash=_device_hash(device_code),
        user_code_hash=_user_code_hash(letters),
        client_name=client_name,
        ip=current().ip,
        interval=INTERVAL,
        created_at=moment,
        expires_at=moment + LIFETIME,
    )
    return DeviceStart(device_code, shown(letters), INTERVAL, int(LIFETIME.total_seconds()))


def find_open(user_code: str) -> DeviceAuthorization:
    """The request behind a typed code. Raises `UnknownCodeError`: wrong, expired and decided look alike."""
    found = DeviceAuthorization.objects.unscoped().filter(user_code_hash=_user_code_hash(normalized(user_code))).first()
    if found is None or not found.is_open:
        raise UnknownCodeError(_("This code is not known, or its ten minutes are over. Start again in the terminal."))
    return found


def approve(user: User, authorization: DeviceAuthorization, organization: Organization) -> None:
    """Let the terminal in, for one organization. Raises `UnknownCodeError`, `NoOrganizationError`."""
    if selectors.membership_in(user, organization.pk) is None:
        raise NoOrganizationError(_("You do not belong to this organization."))
    _decide(authorization, DeviceAuthorization.State.APPROVED, "accounts.device_approved", user, organization)


def deny(user: User, authorization: DeviceAuthorization) -> None:
    """Turn the terminal away. Raises `UnknownCodeError`."""
    _decide(authorization, DeviceAuthorization.State.DENIED, "accounts.device_denied", user, None)


def _decide(
    authorization: DeviceAuthorization, state: str, code: str, user: User, organization: Organization | None
) -> None:
    with transaction.atomic():
        decided = (
            DeviceAuthorization.objects.unscoped()
            .filter(pk=authorization.pk, state=DeviceAuthorization.State.PENDING, expires_at__gt=now())
            .update(state=state, user=user, organization=organization)
        )
        if not decided:
            raise UnknownCodeError(_("This code was used already, or its ten minutes are over."))
        record(
            code,
            actor=user,
            target=authorization,
            data={"client": authorization.client_name, "terminal_address": authorization.ip or ""},
            organization_id=organization.pk if organization else None,
        )


def poll(device_code: str) -> tokens.TokenPair:
    """The terminal asks whether it was let in; the answer yes is given once.

    Raises `DeviceLoginError` with code authorization_pending, slow_down (the interval grew by 5 s), access_denied or
    expired_token (also for a code that nobody gave out, or that was used).
    """
    refusal: DeviceLoginError | None = None
    pair = None
    with transaction.atomic():
        found = (
            DeviceAuthorization.objects.unscoped()
            .select_for_update(of=("self",), no_key=True)
            .select_related("user", "organization")
            .filter(device_hash=_device_hash(device_code))
            .first()
        )
        if found is None or found.expires_at <= now() or found.state == DeviceAuthorization.State.CONSUMED:
            raise DeviceLoginError(_("The code has expired or was used. Start again."), code="expired_token")
        if found.state == DeviceAuthorization.State.DENIED:
            raise DeviceLoginError(_("The login was refused in the browser."), code="access_denied")
        if found.state == DeviceAuthorization.State.PENDING:
            refusal = _wait(found)
        else:
            pair = _hand_out(found)
    if pair is None:
        raise refusal or DeviceLoginError(_("The login was refused."), code="access_denied")
    return pair


def _wait(found: DeviceAuthorization) -> DeviceLoginError:
    """Note the poll; one that comes too early slows the terminal down, by 5 s at a time."""
    moment = now()
    early = found.last_polled_at is not None and moment - found.last_polled_at < timedelta(seconds=found.interval - 0.5)
    found.last_polled_at = moment
    if early:
        found.interval = min(found.interval + 5, 60)
    found.save(update_fields=["last_polled_at", "interval"])
    if early:
        return DeviceLoginError(_("Ask less often."), code="slow_down", interval=found.interval)
    return DeviceLoginError(_("Nobody has answered yet."), code="authorization_pending", interval=found.interval)


def _hand_out(found: DeviceAuthorization) -> tokens.TokenPair | None:
    """Use the approval up. None when the person has lost the organization or the account since."""
    found.state = DeviceAuthorization.State.CONSUMED
    found.save(update_fields=["state"])
    if found.user is None or found.organization is None or not found.user.is_active:
        return None
    try:
        return tokens.mint(
            found.user, found.organization, origin=TokenFamily.Origin.DEVICE, client_name=found.client_name
        )
    except NoOrganizationError:
        return None
