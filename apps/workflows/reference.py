"""What a definition may hold, in words: the help beside the editor, read from the published schema."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.workflows.definition.schema import CONTROL_TYPES, definition_schema
from apps.workflows.graph import type_label

COMMON = ("name", "skip_if", "on_error", "retry", "timeout", "on_interrupt", "mock")


@dataclass(frozen=True)
class Field:
    """One key, what it takes, and whether it must be there."""

    name: str
    kind: str
    required: bool
    description: str


@dataclass(frozen=True)
class Entry:
    """A step type, a trigger type, or the workflow itself."""

    label: str
    fields: list[Field]
    type: str = ""


def entries() -> list[Entry]:
    """The workflow, its triggers, what every step takes, then each step type."""
    schema = definition_schema()
    parts = schema["$defs"]
    found = [
        Entry(_("Workflow"), _fields(schema, parts)),
        Entry(_("Trigger: schedule"), _fields(parts["cron_trigger"], parts)),
        Entry(_("Trigger: webhook"), _fields(parts["webhook_trigger"], parts)),
    ]
    types = [name.removeprefix("step_") for name in parts if name.startswith("step_")]
    some = parts[f"step_{next(name for name in types if name not in CONTROL_TYPES)}"]
    common = [field for field in _fields(some, parts) if field.name in COMMON]
    found.append(Entry(_("Every step"), [Field("id", _("text"), True, _("unique in the workflow")), *common]))
    for name in types:
        step = parts[f"step_{name}"]
        own = step["properties"].get("with", step) if name not in CONTROL_TYPES else step
        fields = [field for field in _fields(own, parts) if field.name not in {"id", "type", *COMMON}]
        found.append(Entry(type_label(name), fields, name))
    return found


def _fields(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> list[Field]:
    required = schema.get("required", ())
    return [
        Field(name, _kind(rule, parts), name in required, str(_resolved(rule, parts).get("description", "")))
        for name, rule in schema.get("properties", {}).items()
    ]


def _resolved(rule: Mapping[str, Any], parts: Mapping[str, Any]) -> Mapping[str, Any]:
    target = rule.get("$ref", "").removeprefix("#/$defs/")
    return parts.get(target, rule) if target else rule


def _kind(rule: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    target = rule.get("$ref", "").removeprefix("#/$defs/")
    named = {"duration": _("duration"), "expression": _("condition"), "step": _("step")}
    if target in named:
        return named[target]
    rule = _resolved(rule, parts)
    if "const" in rule:
        return str(rule["const"])
    if "enum" in rule:
        return " | ".join(map(str, rule["enum"]))
    if rule.get("type") == "array":
        return _("list of %(what)s") % {"what": _kind(rule.get("items", {}), parts)}
    if rule.get("type") == "object" and rule.get("properties"):
        return f"{{{', '.join(rule['properties'])}}}"
    words = {
        "string": _("text"),
        "integer": _("whole number"),
        "number": _("number"),
        "boolean": "true | false",
        "array": _("list"),
        "object": _("mapping"),
    }
    kinds = rule.get("type", [])
    return " | ".join(words.get(kind, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)) or _("anything")
