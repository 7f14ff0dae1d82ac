"""Cursor pagination by primary key: UUIDv7 is time-ordered, so a cursor is simply the last id seen."""

import base64
import binascii
import uuid
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import models
from django.utils.translation import gettext as _

from apps.core.errors import InvalidInputError

ModelT = TypeVar("ModelT", bound=models.Model)
DEFAULT_LIMIT, MAX_LIMIT = 25, 100


@dataclass(frozen=True)
class Page(Generic[ModelT]):
    """Rows, newest first, and the cursor of the next page (None on the last)."""

    rows: list[ModelT]
    next_cursor: str | None


def encode_cursor(last: uuid.UUID) -> str:
    """An opaque cursor after this row."""
    return base64.urlsafe_b64encode(last.bytes).decode().rstrip("=")


def decode_cursor(cursor: str) -> uuid.UUID:
    """The row that a cursor stands after. Raises `InvalidInputError`."""
    try:
        return uuid.UUID(bytes=base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error) as error:
        raise InvalidInputError(
            _("“cursor” is not a cursor that this list gave out."), code="invalid_cursor"
        ) from error


def parse_limit(text: str | None) -> int:
    """The page size asked for: 1 to 100, 25 when none is given. Raises `InvalidInputError`."""
    if text is None:
        return DEFAULT_LIMIT
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_LIMIT):
        raise InvalidInputError(
            _("“limit” is a whole number from 1 to %(most)s.") % {"most": MAX_LIMIT}, code="invalid_limit"
        )
    return int(text)


def paginate(
    queryset: models.QuerySet[ModelT], cursor: str | None, limit: int, *, oldest_first: bool = False
) -> Page[ModelT]:
    """One page, newest first unless asked otherwise. One query."""
    if cursor:
        last = decode_cursor(cursor)
        queryset = queryset.filter(pk__gt=last) if oldest_first else queryset.filter(pk__lt=last)
    rows = list(queryset.order_by("pk" if oldest_first else "-pk")[: limit + 1])
    more = len(rows) > limit
    rows = rows[:limit]
    return Page(rows, encode_cursor(rows[-1].pk) if more else None)


def listing(page: Page[Any], data: list[dict[str, Any]]) -> dict[str, Any]:
    """The JSON shape of every list."""
    return {"data": data, "next_cursor": page.next_cursor, "has_more": page.next_cursor is not None}
