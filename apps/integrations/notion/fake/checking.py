"""Whether a request is one that Notion takes, and what is stored of it."""

import json
import re
import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from apps.integrations.notion.fake.errors import FakeError, invalid

KINDS = ("title", "rich_text", "number", "select", "date", "checkbox", "url", "email")
FORMATS = ("number", "dollar", "percent", "number_with_commas", "euro", "pound")
BLOCKS = (
    "paragraph", "heading_1", "heading_2", "heading_3", "bulleted_list_item", "numbered_list_item", "to_do", "toggle",
    "quote", "callout", "code", "divider", "table", "table_row", "image", "bookmark", "equation",
)  # fmt: skip
MOST_TEXT, MOST_PIECES, MOST_BLOCKS, MOST_DEPTH, MOST_BYTES = 2_000, 100, 100, 2, 500_000
Object = dict[str, Any]


def body_of(raw: bytes) -> Object:
    """The request's body."""
    if len(raw) > MOST_BYTES:
        raise FakeError(413, "validation_error", "The request body is too large.")
    try:
        body = json.loads(raw or b"{}")
    except ValueError:
        raise FakeError(400, "invalid_json", "Error parsing JSON body.") from None
    if not isinstance(body, dict):
        raise invalid("body failed validation: body should be an object.")
    return body


def only(body: Object, *names: str) -> None:
    """Refuse members that the call does not have."""
    for name in body:
        if name not in names:
            raise invalid(f"body failed validation: body.{name} should be not present.")


def id_of(value: Any, where: str) -> str:
    """An id, with dashes."""
    try:
        return str(uuid.UUID(str(value)))
    except ValueError:
        raise invalid(f"{where} should be a valid uuid, instead was `{value!r}`.") from None


def rich_text(value: Any, where: str) -> list[Object]:
    """Rich text as it is told afterwards."""
    if not isinstance(value, list):
        raise invalid(f"body failed validation: {where} should be an array, instead was `{json.dumps(value)}`.")
    if len(value) > MOST_PIECES:
        raise invalid(
            f"body failed validation: {where}.length should be ≤ `{MOST_PIECES}`, instead was `{len(value)}`."
        )
    return [_piece(piece, f"{where}[{number}]") for number, piece in enumerate(value)]


def _piece(piece: Any, where: str) -> Object:
    if not isinstance(piece, dict) or not isinstance(piece.get("text"), dict):
        raise invalid(f"body failed validation: {where}.text should be defined, instead was `undefined`.")
    content = piece["text"].get("content")
    if not isinstance(content, str):
        raise invalid(f"body failed validation: {where}.text.content should be a string.")
    if len(content) > MOST_TEXT:
        raise invalid(
            f"body failed validation: {where}.text.content.length should be ≤ `{MOST_TEXT}`,"
            f" instead was `{len(content)}`."
        )
    link = piece["text"].get("link")
    looks = {
        "bold": False,
        "italic": False,
        "strikethrough": False,
        "underline": False,
        "code": False,
        "color": "default",
    }
    return {
        "type": "text",
        "text": {"content": content, "link": link},
        "annotations": {**looks, **piece.get("annotations", {})},
        "plain_text": content,
        "href": link["url"] if link else None,
    }


def plain(value: list[Object]) -> str:
    """The words of stored rich text."""
    return "".join(piece["plain_text"] for piece in value)


def columns(value: Any, *, whole: bool) -> dict[str, Object]:
    """Described columns. A new table (`whole`) has exactly one title."""
    if not isinstance(value, dict):
        raise invalid("body failed validation: properties should be an object.")
    found = {name: _column(name, one) for name, one in value.items()}
    titles = sum(column["type"] == "title" for column in found.values())
    if whole and titles != 1:
        raise invalid("Title is not provided." if not titles else "Only one title property is allowed.")
    return found


def _column(name: str, value: Any) -> Object:
    kinds = [kind for kind in KINDS if isinstance(value, dict) and kind in value]
    if len(kinds) != 1:
        raise invalid(f"body failed validation: properties.{name} should have one known type.")
    kind = kinds[0]
    described = dict(value[kind] or {})
    if kind == "number" and described.get("format", "number") not in FORMATS:
        raise invalid(f"body failed validation: properties.{name}.number.format is unknown.")
    if kind == "select":
        described["options"] = [option(one, name) for one in described.get("options", [])]
    return {"id": uuid.uuid4().hex[:4], "name": name, "type": kind, kind: described}


def option(value: Any, name: str) -> Object:
    """A select's option."""
    chosen = value.get("name") if isinstance(value, dict) else None
    if not isinstance(chosen, str) or not 0 < len(chosen) <= 100:
        raise invalid(f"body failed validation: {name}.select.name should be 1 to 100 characters.")
    if "," in chosen:
        raise invalid(f"Invalid select option, commas not allowed: {chosen}")
    return {"id": uuid.uuid4().hex[:8], "name": chosen, "color": "default"}


def values(value: Any, schema: Mapping[str, Object]) -> dict[str, Object]:
    """A page's values, each of a column that is there and of its kind."""
    if not isinstance(value, dict):
        raise invalid("body failed validation: body.properties should be an object.")
    found = {}
    for name, one in value.items():
        column = schema.get(name)
        if column is None:
            raise invalid(f"{name} is not a property that exists.")
        kind = column["type"]
        if not isinstance(one, dict) or kind not in one or set(one) - {kind, "type", "id"}:
            raise invalid(f"{name} is expected to be {kind}.")
        found[name] = {"id": column["id"], "type": kind, kind: _value(kind, one[kind], name, column)}
    return found


def empty(column: Object) -> Object:
    """The value of a column that was not named."""
    kind = column["type"]
    nothing: Any = [] if kind in ("title", "rich_text") else False if kind == "checkbox" else None
    return {"id": column["id"], "type": kind, kind: nothing}


def _value(kind: str, value: Any, name: str, column: Object) -> Any:
    if kind in ("title", "rich_text"):
        return rich_text(value, f"body.properties.{name}.{kind}")
    if kind == "checkbox":
        return _need(isinstance(value, bool), value, name, "a boolean")
    if value is None:
        return None
    if kind == "number":
        return _need(isinstance(value, int | float) and not isinstance(value, bool), value, name, "a number")
    if kind == "select":
        chosen = option(value, name)
        options = column["select"].setdefault("options", [])
        known = next((one for one in options if one["name"] == chosen["name"]), None)
        if known is None:
            options.append(chosen)
        return known or chosen
    if kind == "date":
        return _date(value, name)
    most = 200 if kind == "email" else 2_000
    return _need(isinstance(value, str) and 0 < len(value) <= most, value, name, f"a string of 1 to {most} characters")


def _date(value: Any, name: str) -> Object:
    start = value.get("start") if isinstance(value, dict) else None
    try:
        (datetime if "T" in str(start) else date).fromisoformat(str(start))
    except ValueError:
        raise invalid(f"body failed validation: {name}.date.start should be a valid ISO 8601 date string.") from None
    return {"start": start, "end": value.get("end"), "time_zone": None}


def _need(holds: bool, value: Any, name: str, what: str) -> Any:
    if not holds:
        raise invalid(f"body failed validation: {name} should be {what}, instead was `{json.dumps(value)[:80]}`.")
    return value


def blocks(value: Any, where: str = "body.children", depth: int = 1) -> list[Object]:
    """New blocks, with what lies inside of them under `_children`."""
    if not isinstance(value, list):
        raise invalid(f"body failed validation: {where} should be an array.")
    if len(value) > MOST_BLOCKS:
        raise invalid(
            f"body failed validation: {where}.length should be ≤ `{MOST_BLOCKS}`, instead was `{len(value)}`."
        )
    if depth > MOST_DEPTH:
        raise invalid(f"body failed validation: {where} is nested too deeply.")
    return [_block(one, f"{where}[{number}]", depth) for number, one in enumerate(value)]


def _block(value: Any, where: str, depth: int) -> Object:
    kinds = [kind for kind in BLOCKS if isinstance(value, dict) and kind in value]
    if len(kinds) != 1:
        raise invalid(f"body failed validation: {where} should have one known type.")
    kind = kinds[0]
    own = dict(value[kind])
    children = own.pop("children", [])
    inside = blocks(children, f"{where}.{kind}.children", depth + 1) if children else []
    for name in ("rich_text", "caption"):
        if name in own:
            own[name] = rich_text(own[name], f"{where}.{kind}.{name}")
    if kind == "table_row":
        own["cells"] = [rich_text(cell, f"{where}.table_row.cells") for cell in own.get("cells", [])]
    return {"type": kind, kind: own, "_children": inside}


def moment(text: str) -> datetime:
    """A point in time within a filter."""
    if not re.match(r"\d{4}-\d\d-\d\d", text):
        raise invalid("body failed validation: the filter's date should be a valid ISO 8601 date string.")
    return datetime.fromisoformat(text)
