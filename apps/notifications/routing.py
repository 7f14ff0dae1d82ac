"""Who is to be told of an alarm."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from django.conf import settings

from apps.accounts.models import User
from apps.notifications.channels import masked
from apps.notifications.models import AlertChannel

log = structlog.get_logger(__name__)

RANKS: dict[str, int] = {"success": 0, "info": 1, "warning": 2, "critical": 3}
STAFF_AT_MOST = 10  # superusers that get alarms where no channel is set up


@dataclass(frozen=True)
class Route:
    """A channel as alarms see it: a row, an address of `ALERT_URLS`, or a superuser where there is neither.

    `key` says for ever which it is; `url` is kept out of anything that is stored or logged.
    """

    key: str
    name: str
    url: str
    least_severity: str = "info"
    rings_from: str = "warning"
    codes: tuple[str, ...] = ()
    escalations_only: bool = False

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
    """All channels that are switched on. With none at all, superusers by mail: an alarm is never for nobody."""
    found = [of_row(row) for row in AlertChannel.objects.filter(enabled=True).order_by("name")]
    found += [of_url(url) for url in settings.ALERT_URLS]
    if not found:
        found = of_superusers()
        log.warning("alert_channels_missing", told="superusers by mail", people=len(found))
    return found


def of_row(row: AlertChannel) -> Route:
    """The route of a row."""
    return Route(
        row.public_id, row.name, row.url, row.least_severity, row.rings_from, tuple(row.codes), row.escalations_only
    )


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
    if key.startswith(f"{AlertChannel.public_prefix}_"):
        row = AlertChannel.objects.filter(pk=AlertChannel.parse_public_id(key), enabled=True).first()
        return of_row(row) if row else None
    if key.startswith("env_"):
        return next((route for route in map(of_url, settings.ALERT_URLS) if route.key == key), None)
    people = User.objects.filter(pk=key.removeprefix("staff_"), is_superuser=True, is_active=True)
    return next((of_person(person) for person in people), None)
