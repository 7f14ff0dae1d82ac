"""Text without what looks like a secret: for alarms, errors and reports, which leave the house or are read by many.

A net below other care, not the care itself: what is told to people should hold no secret in the first place.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

from apps.core.secret_names import SECRET_NAME, named_values
from apps.core.secret_shapes import without_private_keys, without_shapes

REMOVED = "[removed]"
NAMES, VALUES, WORDS = (  # of pairs that are objects; words may be about what has a name like "Token expired"
    frozenset(form for word in words for form in (word, word.title(), word.upper()))
    for words in (("name", "key", "header", "field"), ("value", "val"), ("content", "text"))
)
FIGURES = (bool, int, float)  # "tokens used" are 12
_A_NAME = re.compile(r"[\w.-]{1,80}")

# Settings whose very values never appear anywhere.
OWN_SECRETS = (
    "SECRET_KEY",
    "ENCRYPTION_KEYS",
    "RESEND_API_KEY",
    "RESEND_WEBHOOK_SECRET",
    "STRIPE_API_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "NOTION_TOKEN",
    "DEV_DOCS_HOOK_SECRET",
    "GOOGLE_CLIENT_SECRET",
    "GITHUB_CLIENT_SECRET",
    "ALERT_URLS",
    "METRICS_TOKEN",
    "SENTRY_DSN",
)
SHORTEST = 8  # a shorter value is no secret worth the name, and would be found in plain words


def scrub(text: str) -> str:
    """The text with each secret-looking part replaced: by its name, by its shape, or because it is one of our own."""
    for secret in _own_secrets() if settings.configured else ():  # granian's own process knows no settings
        text = text.replace(secret, REMOVED)
    text = without_private_keys(text, REMOVED)  # first: a name before one would take its first line alone
    if spans := named_values(text):
        text = _without(text, spans)
    return without_shapes(text, REMOVED)


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with each span replaced; those that overlap are one."""
    parts: list[str] = []
    at = 0
    for begins, ends in spans:
        if begins >= at:
            parts += text[at:begins], REMOVED
        at = max(at, ends)
    return "".join([*parts, text[at:]])


def scrub_data(value: Any) -> Any:
    """JSON-like data without members that are named like secrets, and with its texts scrubbed."""
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, Mapping):
        hidden = secret_members(value)
        return {
            scrub(name) if isinstance(name, str) else name: REMOVED if name in hidden else scrub_data(member)
            for name, member in value.items()
        }
    if isinstance(value, list | tuple):
        return [value[0], REMOVED] if is_secret_pair(value) else [scrub_data(member) for member in value]
    return value


def secret_members(value: Mapping[Any, Any]) -> set[Any]:
    """The members that are named like secrets, or are the value of what another member names: `{"name":
    "Authorization", "value": …}`, as lists of headers are."""
    found = {name for name in value if SECRET_NAME.search(str(name))}
    if VALUES.isdisjoint(value) and WORDS.isdisjoint(value):
        return found
    named = [one for name in NAMES if isinstance(one := value.get(name), str) and SECRET_NAME.search(one)]
    if named:
        holds = VALUES | WORDS if any(_A_NAME.fullmatch(one) for one in named) else VALUES
        found.update(name for name in value if name in holds and not isinstance(value[name], FIGURES))
    return found


def is_secret_pair(value: Sequence[Any]) -> bool:
    """The same as a pair: `["Authorization", …]`."""
    return (
        len(value) == 2
        and isinstance(value[0], str)
        and value[1] is not None
        and not isinstance(value[1], FIGURES)
        and SECRET_NAME.search(value[0]) is not None
        and _A_NAME.fullmatch(value[0]) is not None
    )


@cache
def _own_secrets() -> tuple[str, ...]:
    """The longest first, so that none is left in part."""
    found: list[str] = []
    environment = settings.ENV
    for name in OWN_SECRETS:
        for value in (getattr(settings, name, ""), getattr(environment, name, "")):
            found += [value] if isinstance(value, str) else list(value or ())
    found += [part["PASSWORD"] for part in settings.DATABASES.values() if part.get("PASSWORD")]
    return tuple(sorted({value for value in found if len(value) >= SHORTEST}, key=len, reverse=True))


@receiver(setting_changed)
def _look_again(**_change: Any) -> None:
    """A test has other settings."""
    _own_secrets.cache_clear()
