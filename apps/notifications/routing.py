"""Who is to be told of an alarm."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db.models import QuerySet

from apps.accounts.models import User
from apps.core.clock import now
from apps.core.crypto import DecryptionError, decrypt
from apps.core.encrypted import as_stored
from apps.notifications.channels import masked
from apps.notifications.models import AlertChannel

log = structlog.get_logger(__name__)

RANKS: dict[str, int] = {"success": 0, "info": 1, "warning": 2, "critical": 3}
STAFF_AT_MOST = 10  # superusers that get alarms where no channel is set up
ROW = f"{AlertChannel.public_prefix}_"  # what the key of a channel with a row begins with
SAID_AGAIN = timedelta(hours=1)
_said: dict[str, datetime] = {}


@dataclass(frozen=True)
class Route:
    """A channel as alarms see it: a row, an address of `ALERT_URLS`, or a superuser where there is neither.

    `key` says for ever which it is; `url` is kept out of anything that is stored or logged, and empty where no key
    opens it.
    """

    key: str
    name: str
    url: str
    least_severity: str = "info"
    rings_from: str = "warning"
    codes: tuple[str, ...] = ()
    escalations_only: bool = False

    @property
    def has_row(self) -> bool:
        """Whether staff set it up as a channel."""
        return self.key.startswith(ROW)

    @property
    def is_readable(self) -> bool:
        """Whether its address is known."""
        return bool(self.url)

    def takes(self, severity: str, code: str) -> bool:
        """Whether alarms of this kind go here by themselves."""
        return (
            not self.escalations_only
            and RANKS[severity] >= RANKS[self.least_severity]
            and (not self.codes or matches(self.codes, code))
        )

    def silent_for(self, severity: str) -> bool:
        """Whether it arrives without a sound."""
        return not self.rings_from or RANKS[severity] < RANKS[self.rings_from]


def matches(patterns: Iterable[str], text: str) -> bool:
    """Whether one of the patterns is the text, or its beginning where it ends in a star."""
    return any(text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern for pattern in patterns)


def routes() -> list[Route]:
    """All channels that are switched on and can be read; without any, superusers: an alarm is never for nobody."""
    return readable([*of_rows(), *map(of_url, settings.ALERT_URLS)])


def of_rows() -> list[Route]:
    """The channels in the database that are switched on, also those whose address no key opens."""
    return [of_row(row) for row in sealed().filter(enabled=True).order_by("name")]


def readable(found: Iterable[Route]) -> list[Route]:
    """Those of them whose address is known, else superusers."""
    left = [route for route in found if route.is_readable]
    if not left:
        left = of_superusers()
        _say("alert_channels_missing", told="superusers by mail", people=len(left))
    return left


def sealed() -> QuerySet[AlertChannel]:
    """Channels for `of_row`. It opens them one by one: what no key opens must not take the others with it."""
    return AlertChannel.objects.annotate(sealed=as_stored("url"))  # type: ignore[no-redef] # the model names it too


def of_row(row: AlertChannel) -> Route:
    """The route of a row that `sealed` read."""
    try:
        url = decrypt(row.sealed)
    except (DecryptionError, UnicodeEncodeError):  # under a key that is gone, or no token at all
        url = ""
        _say("alert_channel_unreadable", channel=row.name, advice="put its key back, or enter its address anew")
    return Route(
        row.public_id, row.name, url, row.least_severity, row.rings_from, tuple(row.codes), row.escalations_only
    )


def _say(event: str, **told: object) -> None:
    """Log what is so at every look, once an hour."""
    which, moment = f"{event} {told}", now()
    if which not in _said or abs(moment - _said[which]) >= SAID_AGAIN:
        _said[which] = moment
        log.warning(event, **told)


def of_url(url: str) -> Route:
    """The route of an address in `ALERT_URLS`."""
    return Route(f"env_{hashlib.sha256(url.encode()).hexdigest()[:16]}", masked(url), url)


def of_superusers() -> list[Route]:
    """Where nobody set up a channel."""
    people = User.objects.filter(is_superuser=True, is_active=True).order_by("pk")
    return [of_person(person) for person in people[:STAFF_AT_MOST]]


def of_person(person: User) -> Route:
    """A superuser, by mail."""
    return Route(f"staff_{person.pk.hex}", person.email, f"mailto:{person.email}", "warning", "")


def named(key: str) -> Route | None:
    """The channel with this key; None for one that is gone or switched off."""
    if key.startswith(ROW):
        row = sealed().filter(pk=AlertChannel.parse_public_id(key), enabled=True).first()
        return of_row(row) if row else None
    if key.startswith("env_"):
        return next((route for route in map(of_url, settings.ALERT_URLS) if route.key == key), None)
    people = User.objects.filter(pk=key.removeprefix("staff_"), is_superuser=True, is_active=True)
    return next((of_person(person) for person in people), None)
