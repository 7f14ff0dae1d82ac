"""`transform`: reshape data with JMESPath, or put a value together from look-ups."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.core.kinds import StepType
from apps.workflows import limits
from apps.workflows.definition.expressions import ExpressionError, compiled
from apps.workflows.engine.contract import StepCall, StepFailure

SCHEMA = {
    "type": "object",
    "properties": {
        "expression": {"type": "string", "minLength": 1, "maxLength": limits.EXPRESSION_CHARACTERS},
        "input": {"description": "what the expression looks at; the whole context when left out"},
        "value": {"description": "the result itself, with look-ups replaced"},
    },
    "oneOf": [{"required": ["expression"]}, {"required": ["value"]}],
    "additionalProperties": False,
}


def run(call: StepCall) -> Any:
    """The value, or what the expression finds."""
    if "value" in call.config:
        return call.config["value"]
    try:
        return compiled(call.config["expression"]).search(call.config.get("input", call.context))
    except ExpressionError as error:
        raise StepFailure("transform_failed", str(error)) from error


TRANSFORM = StepType(name="transform", label=_("Transform"), schema=SCHEMA, run=run, effect="none")
