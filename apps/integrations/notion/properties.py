"""Our values as Notion's properties, and Notion's as ours."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from apps.core.kinds import NotionProperty, NotionRow
from apps.core.scrubbing import scrub
from apps.integrations.notion.withholding import is_for_secrets

EXTERNAL_ID = "External ID"  # our column, by which a page is found again
MOST_TEXT = 2_000  # characters in one piece of rich text
MOST_PIECES = 100
MOST_CHARACTERS = 20_000
MOST_NAME, MOST_URL, MOST_EMAIL, MOST_ID = 100, 2_000, 200, 200
CUT = "…"


class UnfitRowError(ValueError):
    """A row that can't be a row of its table."""


def columns_of(properties: Iterable[NotionProperty]) -> dict[str, Any]:
    """The columns as Notion wants them described. Raises `UnfitRowError` for a column that is meant for secrets."""
    found: dict[str, Any] = {}
    for one in properties:
        if is_for_secrets(one.name):
            raise UnfitRowError(f"“{one.name}” is a column for secrets, and none goes to Notion")
        if one.name in found or one.name == EXTERNAL_ID:
            raise UnfitRowError(f"“{one.name}” is there twice")
        found[one.name] = {one.kind: _described(one)}
    if sum(one.kind == "title" for one in properties) != 1:
        raise UnfitRowError("exactly one column is the title")
    return found


def external_id_column() -> dict[str, Any]:
    """The column of ours."""
    return {EXTERNAL_ID: {"rich_text": {}}}


def _described(one: NotionProperty) -> dict[str, Any]:
    if one.kind == "number":
        return {"format": one.format}
    if one.kind == "select":
        return {"options": [{"name": _choice(option)} for option in one.options]}
    return {}


def row_properties(properties: Iterable[NotionProperty], row: NotionRow) -> dict[str, Any]:
    """A whole row, without secrets. What it does not name is empty. Raises `UnfitRowError`."""
    known = {one.name: one for one in properties}
    strange = row.values.keys() - known.keys()
    if strange:
        raise UnfitRowError(f"no column is called “{sorted(strange)[0]}”")
    if not 0 < len(row.external_id) <= MOST_ID:
        raise UnfitRowError(f"an external id has 1 to {MOST_ID} characters")
    if scrub(row.external_id) != row.external_id:
        raise UnfitRowError("an external id is a secret")
    found = {name: {one.kind: _value(one, row.values.get(name))} for name, one in known.items()}
    return {**found, EXTERNAL_ID: {"rich_text": _pieces(row.external_id)}}


def row_hash(properties: Mapping[str, Any]) -> str:
    """What is the same for the same row alone."""
    return digest(properties)


def digest(value: Any) -> str:
    """A hash over JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def named(external_ids: Iterable[str]) -> dict[str, Any]:
    """A filter that finds the rows with these ids."""
    return {"or": [{"property": EXTERNAL_ID, "rich_text": {"equals": one}} for one in external_ids]}


def text(content: str) -> list[dict[str, Any]]:
    """Rich text, cut where it is longer than Notion takes."""
    return _pieces(content)


# To Notion ----------------------------------------------------------------------------------------------------------
def _value(one: NotionProperty, value: Any) -> Any:
    if one.kind == "checkbox":
        return bool(value)
    if value is None or value == "":
        return [] if one.kind in ("title", "rich_text") else None
    try:
        return _given(one, value)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise UnfitRowError(f"“{one.name}” is no {one.kind}: {type(value).__name__}") from error


def _given(one: NotionProperty, value: Any) -> Any:
    if one.kind == "number":
        return _number(value)
    if one.kind == "date":
        return {"start": _moment(value)}
    words = scrub(str(value))
    if one.kind == "select":
        return {"name": _choice(words)}
    if one.kind == "url":
        return words if len(words) <= MOST_URL else None
    if one.kind == "email":
        return words if len(words) <= MOST_EMAIL else None
    return _pieces(words)


def _number(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise TypeError
    number = float(value)
    if number != number or number in (float("inf"), float("-inf")):
        raise ValueError
    return int(value) if number == int(number) and abs(number) < 2**53 else number


def _moment(value: Any) -> str:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    return datetime.fromisoformat(value).isoformat() if "T" in value else date.fromisoformat(value).isoformat()


def _choice(words: str) -> str:
    """A select's option: Notion takes no comma in it."""
    return words.replace(",", ";")[:MOST_NAME]


def _pieces(words: str) -> list[dict[str, Any]]:
    if len(words) > MOST_CHARACTERS:
        words = words[: MOST_CHARACTERS - 1] + CUT
    cut = [words[at : at + MOST_TEXT] for at in range(0, len(words), MOST_TEXT)]
    return [{"type": "text", "text": {"content": piece}} for piece in cut[:MOST_PIECES]]


# From Notion --------------------------------------------------------------------------------------------------------
def plain(rich_text: Any) -> str:
    """The words of rich text."""
    return "".join(str(part.get("plain_text", "")) for part in rich_text or ())


def values_of(properties: Mapping[str, Any]) -> dict[str, Any]:
    """A page's values by column, as plain Python; None for what is empty or of a kind that we do not read."""
    return {name: _read(value) for name, value in properties.items()}


def _read(value: Mapping[str, Any]) -> Any:
    kind = value.get("type", "")
    told = value.get(kind)
    if kind in ("title", "rich_text"):
        return plain(told)
    if kind in ("select", "status"):
        return told.get("name") if told else None
    if kind == "multi_select":
        return [one.get("name") for one in told or ()]
    if kind == "date":
        return told.get("start") if told else None
    return told if kind in ("number", "checkbox", "url", "email", "created_time", "last_edited_time") else None
