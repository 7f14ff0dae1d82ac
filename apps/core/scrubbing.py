"""Text without what looks like a secret: for alarms, errors and reports, which leave the house or are read by many.

A net below other care, not the care itself: what is told to people should hold no secret in the first place.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

SECRET_NAME = re.compile(r"passw|secret|token|authorization|api_?key|cookie|credential", re.IGNORECASE)
REMOVED = "[removed]"

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

# Each line of log goes through here: without any of these words there is nothing to look for. Every repetition below
# has an end, or a line made for it would take minutes.
_NAMES = ("passw", "passphrase", "secret", "token", "api", "credential", "cookie", "authorization", "sessionid")
_VENDORS = ("sk_", "sk-", "rk_", "pk_", "whsec_", "lvq_", "re_", "ntn_", "glpat-", "xox", "xapp-", "sg.", "slack.com")
_GITHUB = ("gho_", "ghp_", "ghs_", "ghu_", "ghr_", "github_pat_")
_MARKS = (*_VENDORS, *_GITHUB, "akia", "aiza", "-----begin", "bearer", "basic", "eyj", "gaaaa", "://")
_NAMED = re.compile(
    r"""
    ( \b (?:set-)?cookie ["']? : \s* ) [^\n"'}\]]{3,8000}  # a header, with all that it holds
  | ( (?: passw(?:or)?d | passphrase | secret | token | api[_-]?key | credential | cookie | authorization | sessionid )
      [\w-]{0,60} ["']? \s{0,20} [:=] \s{0,20} )
    (?: (?: bearer | basic | token ) \s+ )?
    (?: "[^"\n]{1,2000}" | '[^'\n]{1,2000}' | [^\s,;&)}\]]{3,2000} )
    """,
    re.IGNORECASE | re.VERBOSE,
)
_SHAPES = re.compile(
    r"""
      -----BEGIN [ ] [A-Z ]* PRIVATE [ ] KEY----- .{1,8000}? (?: -----END [ ] [A-Z ]* PRIVATE [ ] KEY----- | \Z )
    | \b (?i:bearer|basic) \s+ [A-Za-z0-9._~+/=-]{12,2000}
    | \b (?: sk | rk | pk ) _ (?: live | test ) _ [A-Za-z0-9]{8,}
    | \b (?: whsec_ | lvq_ | re_ | ntn_ | secret_ | gh[opsur]_ | github_pat_ | glpat- | xox[abeoprs]- | xapp- | SG\. )
      [A-Za-z0-9_.+/=-]{12,}
    | \b sk- [A-Za-z0-9_-]{20,}  # OpenAI and its like
    | \b AKIA [A-Z0-9]{16} \b
    | \b AIza [A-Za-z0-9_-]{30,}
    | \b eyJ [A-Za-z0-9_-]{8,4000} \. [A-Za-z0-9_-]{8,8000} \. [A-Za-z0-9_-]{0,4000}
    | \b gAAAA [A-Za-z0-9_=-]{40,}
    | (?<=://) [^\s/@:]{0,200} : [^\s/@]{1,200} (?=@)
    | (?<=hooks\.slack\.com/services/) [A-Za-z0-9/]{20,}
    """,
    re.DOTALL | re.VERBOSE,
)
_BOT = re.compile(r"\b[0-9]{8,10}:[A-Za-z0-9_-]{30,}")  # a token of Telegram's


def scrub(text: str) -> str:
    """The text with each secret-looking part replaced: by its name, by its shape, or because it is one of our own."""
    for secret in _own_secrets() if settings.configured else ():  # granian's own process knows no settings
        text = text.replace(secret, REMOVED)
    low = text.lower()
    if any(name in low for name in _NAMES):
        text = _NAMED.sub(lambda found: f"{found[1] or found[2]}{REMOVED}", text)
    if any(mark in low for mark in _MARKS):
        text = _SHAPES.sub(REMOVED, text)
    return _BOT.sub(REMOVED, text) if ":" in text else text


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
