"""Rows as the API shows them."""

import json
from datetime import datetime
from typing import Any

from apps.workflows.models import Run, Secret, StepRun, Trigger, Workflow, WorkflowVersion
from apps.workflows.services.approving import DEFAULT_ROLES


def _moment(value: datetime | None) -> str | None:
    return value.isoformat().replace("+00:00", "Z") if value else None


def _milliseconds(start: datetime | None, end: datetime | None) -> int | None:
    return round((end - start).total_seconds() * 1000) if start and end else None


def workflow(row: Workflow) -> dict[str, Any]:
    """A workflow without its source."""
    return {
        "id": row.public_id,
        "name": row.name,
        "slug": row.slug,
        "description": row.description,
        "version": row.latest_version.number if row.latest_version else None,
        "enabled": row.enabled,
        "archived_at": _moment(row.archived_at),
        "created_at": _moment(row.created_at),
        "updated_at": _moment(row.updated_at),
    }


def trigger(row: Trigger, site_url: str) -> dict[str, Any]:
    """A trigger; a webhook's secret is never shown here."""
    return {
        "id": row.public_id,
        "name": row.name,
        "type": row.kind,
        "enabled": row.enabled,
        "next_slot": _moment(row.slot),
        "last_fired_at": _moment(row.last_fired_at),
        "last_outcome": row.last_outcome,
        "url": f"{site_url}/hooks/{row.public_id}" if row.kind == Trigger.Kind.WEBHOOK else None,
    }


def version(row: WorkflowVersion, *, source: bool = False) -> dict[str, Any]:
    """A version; its source and definition only when asked for."""
    shown: dict[str, Any] = {
        "id": row.public_id,
        "number": row.number,
        "message": row.message,
        "digest": row.digest,
        "created_at": _moment(row.created_at),
    }
    if source:
        shown |= {"source": row.source, "definition": row.definition}
    return shown


def run(row: Run) -> dict[str, Any]:
    """A run, with what started it, what went in and what came out."""
    return {
        **_run(row),
        "trigger_data": row.trigger_data,
        "inputs": row.inputs,
        "output": row.output,
        "error": row.error,
    }


def run_summary(row: Run) -> dict[str, Any]:
    """A run of `selectors.run_summaries`."""
    return {**_run(row), "error": _failure(row)}


def _run(row: Run) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "workflow": {"id": row.workflow.public_id, "name": row.workflow.name, "slug": row.workflow.slug},
        "version": row.version.number,
        "state": row.state,
        "trigger": row.trigger_kind,
        "priority": Run.Priority(row.priority).name.lower(),
        "created_at": _moment(row.created_at),
        "started_at": _moment(row.started_at),
        "finished_at": _moment(row.finished_at),
        "duration_ms": _milliseconds(row.started_at, row.finished_at),
        "cancel_requested": row.cancel_requested_at is not None,
        "revision": row.revision,
        "livemode": row.livemode,
    }


def step(row: StepRun) -> dict[str, Any]:
    """A step of a run. Inputs and outputs were redacted before they were stored."""
    asked = row.input if row.waiting_for == StepRun.WaitingFor.APPROVAL and isinstance(row.input, dict) else {}
    return {
        **_step(row),
        "approval": _approval(asked.get("message"), asked.get("roles")),
        "attempts": row.attempts,
        "input": row.input,
        "output": row.output,
        "error": row.error,
    }


def step_summary(row: StepRun) -> dict[str, Any]:
    """A step of `selectors.step_summaries`."""
    found = vars(row)  # columns that the query added
    roles = json.loads(found["roles"]) if found["roles"] else None
    return {**_step(row), "approval": _approval(found["question"], roles), "error": _failure(row)}


def _step(row: StepRun) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "path": row.path,
        "name": row.name,
        "type": row.type,
        "state": row.state,
        "attempt": row.attempt,
        "waiting_for": row.waiting_for or None,
        "due_at": _moment(row.due_at),
        "started_at": _moment(row.started_at),
        "finished_at": _moment(row.finished_at),
        "duration_ms": _milliseconds(row.started_at, row.finished_at),
    }


def _approval(message: str | None, roles: list[str] | None) -> dict[str, Any] | None:
    return None if message is None else {"message": message, "roles": roles or list(DEFAULT_ROLES)}


def _failure(row: Run | StepRun) -> dict[str, Any] | None:
    """The error without its details, of a row that was read as a summary."""
    failure = vars(row)["failure"]
    return {name: value for name, value in failure.items() if value is not None} or None


def secret(row: Secret) -> dict[str, Any]:
    """A secret's name; its value never leaves the vault."""
    return {
        "id": row.public_id,
        "name": row.name,
        "created_at": _moment(row.created_at),
        "updated_at": _moment(row.updated_at),
    }
