"""Text without what looks like a secret: for alarms, errors and reports, which leave the house or are read by many.

A net below other care, not the care itself: what is told to people should hold no secret in the first place.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings

from apps.core.logs import REMOVED, SECRET_NAME

# Settings whose very values never appear anywhere.
OWN_SECRETS = (
    "SECRET_KEY",
    "ENCRYPTION_KEYS",
    "RESEND_API_KEY",
    "RESEND_WEBHOOK_SECRET",
    "STRIPE_API_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "GOOGLE_CLIENT_SECRET",
    "GITHUB_CLIENT_SECRET",
    "ALERT_URLS",
)
SHORTEST = 8  # a shorter value is no secret worth the name, and would be found in plain words

_NAMED = re.compile(
    r"""
    ( \b [\w-]*
      (?: passw(?:or)?d | passphrase | secret | token | api[_-]?key | credential | cookie | authorization )
      [\w-]* ["']? \s* [:=] \s* )
    (?: (?: bearer | basic | token ) \s+ )?
    (?: "[^"\n]{1,2000}" | '[^'\n]{1,2000}' | [^\s,;&)}\]]{3,2000} )
    """,
    re.IGNORECASE | re.VERBOSE,
)
_SHAPES = re.compile(
    r"""
      -----BEGIN [ ] [A-Z ]* PRIVATE [ ] KEY----- .{1,8000}? -----END [ ] [A-Z ]* PRIVATE [ ] KEY-----
    | \b (?i:bearer|basic) \s+ [A-Za-z0-9._~+/=-]{12,2000}
    | \b (?: sk | rk | pk ) _ (?: live | test ) _ [A-Za-z0-9]{8,}
    | \b (?: whsec_ | lvq_ | re_ | ntn_ | secret_ | gh[opsur]_ | github_pat_ | glpat- | xox[abeoprs]- | xapp- | SG\. )
      [A-Za-z0-9_.+/=-]{12,}
    | \b AKIA [A-Z0-9]{16} \b
    | \b eyJ [A-Za-z0-9_-]{8,} \. [A-Za-z0-9_-]{8,} \. [A-Za-z0-9_-]*
    | \b gAAAA [A-Za-z0-9_=-]{60,}
    | \b [0-9]{8,10} : [A-Za-z0-9_-]{30,}
    | (?<=://) [^\s/@:]{0,200} : [^\s/@]{1,200} (?=@)
    | (?<=hooks\.slack\.com/services/) [A-Za-z0-9/]{20,}
    """,
    re.DOTALL | re.VERBOSE,
)


def scrub(text: str) -> str:
    """The text with each secret-looking part replaced: by its name, by its shape, or because it is one of our own."""
    for secret in _own_secrets():
        text = text.replace(secret, REMOVED)
    return _SHAPES.sub(REMOVED, _NAMED.sub(lambda found: f"{found[1]}{REMOVED}", text))


def scrub_data(value: Any) -> Any:
    """JSON-like data without members that are named like secrets, and with its texts scrubbed."""
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, Mapping):
        return {
            name: REMOVED if isinstance(name, str) and SECRET_NAME.search(name) else scrub_data(member)
            for name, member in value.items()
        }
    if isinstance(value, list | tuple):
        return [scrub_data(member) for member in value]
    return value


def _own_secrets() -> tuple[str, ...]:
    found: list[str] = []
    environment = settings.ENV
    for name in OWN_SECRETS:
        for value in (getattr(settings, name, ""), getattr(environment, name, "")):
            found += [value] if isinstance(value, str) else list(value or ())
    passwords = [part["PASSWORD"] for part in settings.DATABASES.values() if part.get("PASSWORD")]
    return _longest_first(tuple(found + passwords))


@lru_cache(maxsize=8)
def _longest_first(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if len(value) >= SHORTEST}, key=len, reverse=True))
