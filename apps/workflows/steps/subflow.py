"""`subflow`: run another workflow of the organization and wait for its end."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.core.kinds import StepType
from apps.workflows import limits
from apps.workflows.engine.contract import StepCall, StepFailure, Wait
from apps.workflows.models import Run
from apps.workflows.services.starting import start_subflow

SCHEMA = {
    "type": "object",
    "properties": {
        "workflow": {"type": "string", "minLength": 1, "maxLength": 80, "description": "the workflow's slug"},
        "inputs": {"type": "object"},
    },
    "required": ["workflow"],
    "additionalProperties": False,
}


def run(call: StepCall) -> Any:
    """Start the child with this step's record, then wait for its answer. Output: the child's output."""
    if call.signal is not None:
        if call.signal["state"] == Run.State.SUCCEEDED:
            return call.signal["output"]
        raise StepFailure(
            "subflow_failed",
            f"The run {call.signal['run_id']} ended {call.signal['state']}.",
            details=dict(call.signal),
        )
    if call.depth + 1 > limits.SUBFLOW_DEPTH:
        raise StepFailure("subflow_too_deep", f"Workflows may call each other {limits.SUBFLOW_DEPTH} levels deep.")
    child = start_subflow(call)
    return Wait("subflow", None, write=child)


SUBFLOW = StepType(name="subflow", label=_("Subflow"), schema=SCHEMA, run=run, effect="transaction")
