"""`approval`: wait for a person's yes or no."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.core.clock import now
from apps.core.events import emit
from apps.core.kinds import StepType
from apps.workflows.definition import durations
from apps.workflows.definition.schema import DURATION
from apps.workflows.engine.contract import StepCall, StepFailure, Wait

APPROVAL_REQUESTED = "approval_requested"
ROLES = ("owner", "admin", "developer", "billing", "viewer")
SCHEMA = {
    "type": "object",
    "properties": {
        "message": {"type": "string", "minLength": 1, "maxLength": 2000, "description": "what is asked"},
        "roles": {
            "type": "array",
            "items": {"enum": list(ROLES)},
            "minItems": 1,
            "description": "who may decide; owners and admins when left out",
        },
        "timeout": DURATION,
        "on_timeout": {"enum": ["reject", "approve", "fail"]},
        "on_reject": {"enum": ["fail", "continue"]},
    },
    "required": ["message"],
    "additionalProperties": False,
}


def run(call: StepCall) -> Any:
    """Ask, then wait. Output: {approved, by, comment}."""
    config = call.config
    if call.signal is not None:
        return _decided(config, call.signal)
    if call.waited_until is not None and now() >= call.waited_until:
        return _timed_out(config)
    until = now() + durations.parse(config["timeout"]) if "timeout" in config else None

    def ask() -> None:
        emit(
            APPROVAL_REQUESTED,
            {
                "run_id": str(call.run_id),
                "step_id": str(call.step_pk),
                "message": config["message"],
                "roles": config.get("roles", ["owner", "admin"]),
            },
            organization_id=call.organization_id,
        )

    return Wait("approval", until, write=ask)


def _decided(config: Any, signal: Any) -> dict[str, Any]:
    approved = signal["decision"] == "approve"
    if not approved and config.get("on_reject", "fail") == "fail":
        raise StepFailure("approval_rejected", f"{signal['by']} said no.", details=dict(signal))
    return {"approved": approved, "by": signal["by"], "comment": signal["comment"]}


def _timed_out(config: Any) -> dict[str, Any]:
    policy = config.get("on_timeout", "fail")
    if policy == "approve":
        return {"approved": True, "by": None, "comment": "timed out"}
    if policy == "reject" and config.get("on_reject", "fail") == "continue":
        return {"approved": False, "by": None, "comment": "timed out"}
    raise StepFailure("approval_timed_out", "Nobody decided in time.")


APPROVAL = StepType(name="approval", label=_("Approval"), schema=SCHEMA, run=run, effect="transaction")
