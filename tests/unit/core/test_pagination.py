"""Cursor pagination."""

import uuid

import pytest

from apps.core.errors import InvalidInputError
from apps.core.models import DomainEvent
from apps.core.pagination import MAX_LIMIT, decode_cursor, encode_cursor, paginate, parse_limit


@pytest.mark.django_db
@pytest.mark.parametrize("oldest_first", [False, True])
def test_pages_hold_every_row_once_and_new_rows_do_not_shift_them(oldest_first):
    rows = DomainEvent.objects.bulk_create(DomainEvent(name="x") for _number in range(7))
    ids = sorted((row.pk for row in rows), reverse=not oldest_first)
    seen, cursor = [], None
    for _page in range(3):
        page = paginate(DomainEvent.objects.filter(name="x"), cursor, 3, oldest_first=oldest_first)
        seen += [row.pk for row in page.rows]
        cursor = page.next_cursor
        if not oldest_first:
            DomainEvent.objects.create(name="x")
    assert seen == ids
    assert cursor is None


def test_cursors_are_opaque_and_checked():
    value = uuid.uuid4()
    assert decode_cursor(encode_cursor(value)) == value
    for wrong in ("", "x", "%%%", "a" * 500, "é"):
        with pytest.raises(InvalidInputError):
            decode_cursor(wrong)


@pytest.mark.parametrize("text", ["0", "-1", "x", "", str(MAX_LIMIT + 1), "1.5", "²", "9" * 30])
def test_limits_are_checked(text):
    with pytest.raises(InvalidInputError):
        parse_limit(text)


def test_limits_that_fit():
    assert (parse_limit(None), parse_limit("1"), parse_limit(str(MAX_LIMIT))) == (25, 1, MAX_LIMIT)
