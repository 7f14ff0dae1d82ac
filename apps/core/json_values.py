"""JSON values that databases take: PostgreSQL's jsonb knows neither NUL characters, lone surrogates nor NaN."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

MAX_DEPTH = 100  # lists and mappings inside of each other; Python's recursion ends not far above 900
# A text without an end counts too, or it would be read again from each of its quotes; no parser gets past it either.
_TEXTS = re.compile(rb'"(?>(?:[^"\\]|\\.)*)"?', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")


def is_too_deep(document: bytes) -> bool:
    """Whether a JSON document nests lists and mappings deeper than we take. Looks at the text: nothing is built yet."""
    if document.count(b"[") + document.count(b"{") <= MAX_DEPTH:
        return False
    depth = 0
    for bracket in _BRACKETS.finditer(_TEXTS.sub(b"", document)):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > MAX_DEPTH:
            return True
    return False


def is_storable(value: Any) -> bool:
    """Whether a JSON value can be stored as it is."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, RecursionError):  # NaN, a lone surrogate (UnicodeEncodeError is a ValueError), too deep
        return False
    return "\\u0000" not in text or not _has_nul(value)


def storable(value: Any) -> Any:
    """The value with replacement characters, and null for numbers that are none, where it can't be stored as it is."""
    return value if is_storable(value) else _mended(value)


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, Mapping):
        return any(_has_nul(key) or _has_nul(item) for key, item in value.items())
    return isinstance(value, list) and any(_has_nul(item) for item in value)


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {_mended(key): _mended(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_mended(item) for item in value]
    return value
