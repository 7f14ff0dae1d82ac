"""Secrets never reach Notion: they are cut out of every value, whoever put them there.

Known are the forms of keys (ours and those of vendors) and, letter by letter, the secrets of this installation. It is
the last door, not the first: a column that says by its name that it holds secrets is refused altogether.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from django.conf import settings

MASK = "••••••"
FORMS = re.compile(
    r"""
    lvq_[a-z]+_[A-Za-z0-9-]{8,}                         # ours
    | \b(?:sk|rk|pk)_(?:test|live)_[A-Za-z0-9]{8,}      # Stripe
    | \bwhsec_[A-Za-z0-9+/=_-]{8,}                      # Standard Webhooks, Stripe
    | \b(?:ntn|secret)_[A-Za-z0-9]{20,}                 # Notion
    | \bre_[A-Za-z0-9]{6,}_[A-Za-z0-9]{16,}             # Resend
    | \bgh[pousr]_[A-Za-z0-9]{20,} | \bgithub_pat_\w{20,}
    | \bxox[abeoprs]-[A-Za-z0-9-]{10,}                  # Slack
    | \bsk-[A-Za-z0-9_-]{20,}                           # OpenAI and its like
    | \bAKIA[A-Z0-9]{16}\b                              # AWS
    | \bAIza[A-Za-z0-9_-]{30,}                          # Google
    | \beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*   # JSON Web Tokens
    | \bgAAAAA[A-Za-z0-9_-]{40,}={0,2}                  # Fernet: encrypted, and still nobody's business
    | -----BEGIN[ A-Z]*PRIVATE\ KEY-----.*?(?:-----END[ A-Z]*PRIVATE\ KEY-----|\Z)
    | (?i:\bbearer|\bbasic)\s+[A-Za-z0-9._~+/=-]{16,}
    | (?<=://)[^\s/:@]*:[^\s/@]+(?=@)                   # name and password within an address
    """,
    re.VERBOSE | re.DOTALL,
)
COLUMNS = re.compile(r"passw|secret|token|credential|private.?key|\bapi.?key\b", re.IGNORECASE)
HARMLESS = re.compile(r"masked|last.?(4|four)|\bid\b|count|used|tokens", re.IGNORECASE)
OWN = (
    "SECRET_KEY", "ENCRYPTION_KEYS", "NOTION_TOKEN", "STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRETS",
    "RESEND_WEBHOOK_SECRET", "DEV_DOCS_HOOK_SECRET",
)  # fmt: skip
SHORTEST = 8


def without_secrets(text: str) -> str:
    """The text with a mask for every secret in it."""
    for secret in _own(*_configured()):
        if secret in text:
            text = text.replace(secret, MASK)
    return FORMS.sub(MASK, text)


def is_for_secrets(column: str) -> bool:
    """Whether a column's name says that secrets are meant to stand in it."""
    return bool(COLUMNS.search(column)) and not HARMLESS.search(column)


def _configured() -> Iterator[str]:
    for name in OWN:
        value: Any = getattr(settings, name, "")
        for one in [value] if isinstance(value, str) else value:
            yield str(one)
    yield str(settings.ANYMAIL.get("RESEND_API_KEY", ""))


@lru_cache(maxsize=8)
def _own(*values: str) -> tuple[str, ...]:
    """The longest first, so that none leaves a rest that another would have covered."""
    return tuple(sorted({value for value in values if len(value) >= SHORTEST}, key=len, reverse=True))
