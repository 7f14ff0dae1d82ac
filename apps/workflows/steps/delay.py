"""`delay`: wait for a while, or until a moment. Costs no worker: the run is parked."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.core.clock import now
from apps.core.kinds import StepType
from apps.workflows import limits
from apps.workflows.definition import durations
from apps.workflows.engine.contract import StepCall, StepFailure, Wait

SCHEMA = {
    "type": "object",
    "properties": {
        "for": {"type": ["string", "number"], "description": "a duration such as 15m, or seconds"},
        "until": {"type": "string", "description": "a moment such as 2030-01-31T09:00:00Z"},
    },
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
}


def run(call: StepCall) -> Any:
    """Park until the moment has come. Output: {waited_until}."""
    until = call.waited_until or _moment(call.config)
    if now() < until:
        return Wait("delay", until)
    return {"waited_until": until.isoformat()}


def _moment(config: Any) -> datetime:
    try:
        if "for" in config:
            pause: timedelta = durations.parse(config["for"])
            moment = now() + pause
        else:
            moment = datetime.fromisoformat(config["until"])
    except ValueError as error:
        raise StepFailure("invalid_step_input", "“for” is a duration and “until” an ISO 8601 moment.") from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment - now() > limits.RUN_LENGTH:
        raise StepFailure("delay_too_long", f"A run lasts at most {limits.RUN_LENGTH.days} days.")
    return moment


DELAY = StepType(name="delay", label=_("Delay"), schema=SCHEMA, run=run, effect="transaction")
