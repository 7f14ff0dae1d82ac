"""What is hashed, and how: pure functions, so that a verifier elsewhere can do the same from an export.

An entry's digest is the SHA-256 of its canonical JSON (sorted keys, no spaces, UTF-8), which holds the digest of the
entry before it. A personal value enters only as the SHA-256 of `salt + canonical JSON of the value`.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from datetime import UTC
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.functional import Promise

from apps.audit.errors import AuditDataError
from apps.audit.models import AuditEntry

VERSION = 1
FIRST = "0" * 64
MAX_BYTES = 8_000
MAX_TEXT = 1_000
MAX_DEPTH = 6
HIDDEN = "[hidden]"
_SECRET_KEY = re.compile(
    r"(^|[_\-. ])(password|passwd|passphrase|secret|token|api[_-]?key|authorization|cookie|credential"
    r"|private[_-]?key|otp)s?$",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SECRET_VALUE = re.compile(
    r"(?i:bearer|basic) [\w.~+/=-]{8,}"
    r"|\b(?:sk|rk|pk|re|whsec|ghp|gho|xox[abp])_[A-Za-z0-9_]{12,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
)


def canonical(value: Any) -> str:
    """JSON with one spelling."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def entry_digest(entry: AuditEntry) -> str:
    """The digest that an entry must have."""
    body = {
        "version": VERSION,
        "previous": entry.previous_digest,
        "chain": entry.chain,
        "sequence": entry.sequence,
        "id": str(entry.id),
        "organization_id": str(entry.organization_id) if entry.organization_id else None,
        "realm_id": str(entry.realm_id) if entry.realm_id else None,
        "code": entry.code,
        "actor_kind": entry.actor_kind,
        "actor_id": entry.actor_id,
        "impersonator_id": entry.impersonator_id,
        "target_type": entry.target_type,
        "target_id": entry.target_id,
        "data": entry.data,
        "personal_digests": entry.personal_digests,
        "request_id": entry.request_id,
        "created_at": entry.created_at.astimezone(UTC).isoformat(timespec="microseconds"),
    }
    return hashlib.sha256(canonical(body).encode()).hexdigest()


def new_salt() -> str:
    """128 random bits: with the salt gone, a digest tells nothing even about a value that is easy to guess."""
    return secrets.token_hex(16)


def personal_digest(salt: str, value: Any) -> str:
    """The digest of one personal value."""
    return hashlib.sha256((salt + canonical(value)).encode()).hexdigest()


def clean_data(data: Mapping[str, Any]) -> dict[str, Any]:
    """Data in a form that every database gives back unchanged, without what looks like a secret.

    Text is clipped at 1,000 characters; numbers with a fraction become text. Raises `AuditDataError` above 8,000 bytes
    or for anything but plain values.
    """
    cleaned = {_text(key): _member(_text(key), value, 1) for key, value in data.items()}
    if (size := len(canonical(cleaned).encode())) > MAX_BYTES:
        raise AuditDataError(
            f"The data of an audit entry may have {MAX_BYTES} bytes; this one has {size}."
        )  # not translated: for developers
    return cleaned


def _member(key: str, value: Any, depth: int) -> Any:
    if _SECRET_KEY.search(_CAMEL.sub("_", key)) and value not in (None, "", True, False):
        return HIDDEN
    return _clean(value, depth)


def _clean(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise AuditDataError(
            f"The data of an audit entry may be nested {MAX_DEPTH} deep."
        )  # not translated: for developers
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float | Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return {_text(key): _member(_text(key), member, depth + 1) for key, member in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        members = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [_clean(member, depth + 1) for member in members]
    if isinstance(value, bytes):
        raise AuditDataError("The data of an audit entry is JSON: bytes are not.")  # not translated: for developers
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    if isinstance(value, str | Promise | UUID):
        return _SECRET_VALUE.sub(HIDDEN, _text(value))
    raise AuditDataError(
        f"The data of an audit entry is JSON: {type(value).__name__} is not."
    )  # not translated: for developers


def _text(value: Any) -> str:
    """Text that PostgreSQL's jsonb takes too: no NUL, no half surrogate pairs."""
    text = str(value).replace("\x00", "").encode("utf-8", "replace").decode()
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
