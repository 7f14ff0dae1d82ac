"""The one published JSON Schema of definitions, assembled from the registered step types."""

from functools import cache
from typing import Any

from apps.core.kinds import StepType
from apps.core.registry import registry
from apps.workflows import limits
from apps.workflows.definition.durations import PATTERN
from apps.workflows.definition.texts import as_written

CONTROL_TYPES = ("branch", "foreach")
ID_PATTERN = "^[a-z][a-z0-9_]{0,59}$"


def _object(properties: dict[str, Any], required: list[str], **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False, **more}


DURATION = {"type": "string", "pattern": PATTERN, "maxLength": 30, "description": "such as 90s, 15m, 1h30m or 2d"}
EXPRESSION = {
    "type": "string",
    "minLength": 1,
    "maxLength": limits.EXPRESSION_CHARACTERS,
    "description": "a JMESPath condition over inputs, steps and loop variables",
}
STEPS = {"type": "array", "items": {"$ref": "#/$defs/step"}, "minItems": 1, "maxItems": limits.STEPS_PER_DEFINITION}
RETRY = _object(
    {
        "attempts": {"type": "integer", "minimum": 1, "maximum": limits.RETRY_ATTEMPTS},
        "delay": {"$ref": "#/$defs/duration"},
        "max_delay": {"$ref": "#/$defs/duration"},
    },
    ["attempts"],
    description="how often to try in all; waits grow from delay to max_delay with full jitter and obey Retry-After",
)
TRIGGERS = {
    "type": "array",
    "maxItems": limits.TRIGGERS_PER_DEFINITION,
    "items": {
        "type": "object",
        "required": ["name", "type"],
        "properties": {"type": {"enum": ["cron", "webhook"]}},
        "allOf": [
            {
                "if": {"properties": {"type": {"const": "cron"}}, "required": ["type"]},
                "then": {"$ref": "#/$defs/cron_trigger"},
            },
            {
                "if": {"properties": {"type": {"const": "webhook"}}, "required": ["type"]},
                "then": {"$ref": "#/$defs/webhook_trigger"},
            },
        ],
    },
}
TRIGGER_NAME = {"type": "string", "pattern": ID_PATTERN}
INPUTS = {"type": "object", "description": "the inputs that every run started by this trigger gets"}
CRON_TRIGGER = _object(
    {
        "name": TRIGGER_NAME,
        "type": {"const": "cron"},
        "cron": {"type": "string", "maxLength": 200, "description": "five fields: minute hour day month weekday"},
        "timezone": {"type": "string", "maxLength": 64, "description": "an IANA zone; UTC when left out"},
        "overlap": {
            "enum": ["skip", "queue", "allow"],
            "description": "when a slot comes and the last run is not done yet: skip the slot, which is the default, "
            f"queue it until its turn (at most {limits.SLOTS_WAITING} wait, the newest), or allow both at once",
        },
        "catch_up": {
            "enum": ["skip", "latest", "all"],
            "description": "slots missed while the platform was down: skip them, run the latest, which is the default, "
            f"or all (the newest {limits.SLOTS_WAITING}), one after another unless overlap is allow",
        },
        "inputs": INPUTS,
    },
    ["name", "type", "cron"],
)
WEBHOOK_TRIGGER = _object(
    {
        "name": TRIGGER_NAME,
        "type": {"const": "webhook"},
        "dedupe": {"type": "string", "maxLength": 300, "description": "a JMESPath look-up in {body, headers}"},
        "inputs": INPUTS,
    },
    ["name", "type"],
)


MOCK = {"description": "the step's output in the sandbox, where nothing is called or sent"}


def _step_schemas() -> dict[str, dict[str, Any]]:
    common: dict[str, Any] = {
        "id": {"type": "string", "pattern": ID_PATTERN},
        "name": {"type": "string", "maxLength": 120},
        "skip_if": {"$ref": "#/$defs/expression"},
        "on_error": {"enum": ["fail", "continue"]},
    }
    schemas: dict[str, dict[str, Any]] = {}
    for step_type in registry(StepType).all():
        properties = common | {
            "type": {"const": step_type.name},
            "with": as_written(step_type.schema),
            "retry": {"$ref": "#/$defs/retry"},
            "timeout": {"$ref": "#/$defs/duration"},
            "on_interrupt": {"enum": ["repeat", "fail"]},
        }
        if step_type.mock is not None:
            properties["mock"] = MOCK
        schemas[step_type.name] = _object(properties, ["id", "type", *(["with"] if step_type.required else [])])
    branch = _object(
        {"when": {"$ref": "#/$defs/expression"}, "name": {"type": "string", "maxLength": 120}, "steps": STEPS},
        ["when", "steps"],
    )
    schemas["branch"] = _object(
        common
        | {
            "type": {"const": "branch"},
            "branches": {"type": "array", "minItems": 1, "maxItems": 20, "items": branch},
            "otherwise": STEPS,
        },
        ["id", "type", "branches"],
    )
    schemas["foreach"] = _object(
        common
        | {
            "type": {"const": "foreach"},
            "items": {"type": ["string", "array"], "description": "a list, or a reference to one"},
            "as": {"type": "string", "pattern": ID_PATTERN},
            "on_item_error": {"enum": ["fail", "continue"]},
            "steps": STEPS,
        },
        ["id", "type", "items", "steps"],
    )
    return schemas


@cache
def definition_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a workflow definition."""
    step_schemas = _step_schemas()
    chosen = [
        {
            "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
            "then": {"$ref": f"#/$defs/step_{name}"},
        }
        for name in step_schemas
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:levqor:schema:workflow:1",
        "title": "Levqor workflow",
        **_object(
            {
                "name": {"type": "string", "minLength": 1, "maxLength": 120},
                "slug": {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 80},
                "description": {"type": "string", "maxLength": 2000},
                "inputs": {"type": "object", "description": "a JSON Schema of type object"},
                "priority": {"enum": ["high", "normal", "low"]},
                "timeout": {"$ref": "#/$defs/duration"},
                "concurrency": _object(
                    {
                        "key": {"type": "string", "minLength": 1, "maxLength": 200},
                        "limit": {"type": "integer", "minimum": 1, "maximum": 100},
                        "on_conflict": {"enum": ["queue", "skip", "cancel_running"]},
                    },
                    ["key"],
                ),
                "on_failure": _object({"workflow": {"type": "string", "maxLength": 80}}, ["workflow"]),
                "triggers": TRIGGERS,
                "steps": STEPS,
                "output": {"description": "what the run returns; look-ups are replaced"},
            },
            ["name", "steps"],
        ),
        "$defs": {
            "duration": DURATION,
            "expression": EXPRESSION,
            "retry": RETRY,
            "cron_trigger": CRON_TRIGGER,
            "webhook_trigger": WEBHOOK_TRIGGER,
            "step": {
                "type": "object",
                "required": ["id", "type"],
                "properties": {"type": {"enum": sorted(step_schemas)}},
                "allOf": chosen,
            },
            **{f"step_{name}": schema for name, schema in step_schemas.items()},
        },
    }
