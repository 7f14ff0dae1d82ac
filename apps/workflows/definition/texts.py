"""Fields of a step that hold text: written as text, while a look-up in them may bring any single value."""

import json
from collections.abc import Mapping
from typing import Any

KIND = {"contentMediaType": "text/plain"}  # JSON Schema's own way to say so; it checks nothing


def text_field(most: int) -> dict[str, Any]:
    """The schema of such a field as the engine checks it, with look-ups replaced; `as_text` makes text of the value."""
    return {"type": ["string", "number", "boolean", "null"], "maxLength": most, **KIND}


def as_written(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A step type's schema as definitions are checked: there, a field that holds text is text and not empty."""
    properties = {
        name: rule | {"type": "string", "minLength": 1} if rule.items() >= KIND.items() else rule
        for name, rule in schema.get("properties", {}).items()
    }
    return {**schema, "properties": properties} if properties else dict(schema)


def as_text(value: str | float | bool | None) -> str:
    """A single value in the words that it has inside of a longer text; nothing for null."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
