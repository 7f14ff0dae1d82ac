"""How runs begin: inputs checked, one row, one doorbell."""

import json
import uuid
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import jsonschema_rs
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from apps.core.clock import now
from apps.core.doorbell import ring_once
from apps.core.errors import LimitExceededError
from apps.workflows import limits
from apps.workflows.definition import references
from apps.workflows.definition.compiled import PRIORITIES, Definition
from apps.workflows.engine import versions
from apps.workflows.engine.contract import StepCall, StepFailure
from apps.workflows.engine.finish import mark_for_cancelling
from apps.workflows.engine.wake import WORK_TASK
from apps.workflows.errors import ConcurrencySkippedError, InvalidRunInputError, WorkflowNotFoundError
from apps.workflows.models import Run, Trigger, Workflow, WorkflowVersion
from apps.workflows.selectors import open_in_group
from apps.workflows.services.room import check_room_for_runs

MOST_ERRORS = 50  # told about inputs that do not fit


@dataclass(frozen=True)
class Start:
    """What a run is started with. `idempotency_key` makes repeated starts of one workflow return the first run."""

    kind: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    idempotency_key: str | None = None
    priority: str | None = None
    trigger: Trigger | None = None
    trigger_data: Mapping[str, Any] = field(default_factory=dict)
    user: Any = None
    parent: StepCall | None = None
    livemode: bool = True


def start_run(workflow: Workflow, start: Start, version: WorkflowVersion | None = None) -> Run:
    """Start a run of the workflow's latest version (or of `version`) and return its row.

    Raises `InvalidRunInputError`, `LimitExceededError`, `ConcurrencySkippedError`, or `WorkflowNotFoundError` for a
    workflow that is archived or has no version.
    """
    version_id = version.pk if version is not None else workflow.latest_version_id
    if version_id is None or workflow.archived_at is not None:
        raise WorkflowNotFoundError(_("This workflow is archived."))
    existing = _existing(workflow, start.idempotency_key)
    if existing is not None:
        return existing
    if start.parent is None:  # a subflow's room was checked before its step was recorded
        check_room_for_runs(workflow.organization_id)
    definition = versions.load(version_id).definition
    inputs = checked_inputs(definition, start.inputs)
    moment = now()
    run = Run(
        organization_id=workflow.organization_id,
        workflow=workflow,
        version_id=version_id,
        trigger=start.trigger,
        trigger_kind=start.kind,
        trigger_data=dict(start.trigger_data),
        inputs=inputs,
        livemode=start.livemode,
        priority=PRIORITIES[start.priority] if start.priority else definition.priority,
        concurrency_key=_concurrency_key(definition, inputs, start.trigger_data),
        due_at=moment,
        deadline_at=moment + definition.timeout,
        parent_step_id=start.parent.step_pk if start.parent else None,
        depth=start.parent.depth + 1 if start.parent else 0,
        idempotency_key=start.idempotency_key,
        created_by=start.user,
        created_at=moment,
    )
    try:
        # One insert commits itself: a transaction around it would only cost two round trips.
        alone = definition.concurrency is None and not connection.in_atomic_block
        with nullcontext() if alone else transaction.atomic():
            _settle_conflict(run, definition)
            run.save(force_insert=True)
            ring_once(WORK_TASK)
    except IntegrityError:
        existing = _existing(workflow, start.idempotency_key)
        if existing is None:
            raise
        return existing
    return run


def start_subflow(call: StepCall) -> Callable[[], None]:
    """What starts the child of a subflow step when its step is recorded. Raises `StepFailure` where that can't work."""
    slug = call.config["workflow"]
    child = (
        Workflow.objects.for_organization(call.organization_id)
        .filter(slug=slug, archived_at=None, latest_version__isnull=False)
        .first()
    )
    if child is None:
        raise StepFailure("workflow_not_found", f"There is no workflow “{slug}”.")
    start = Start(
        kind=Run.TriggerKind.SUBFLOW,
        inputs=call.config.get("inputs", {}),
        idempotency_key=f"subflow:{call.idempotency_key}",
        parent=call,
        livemode=call.livemode,
    )
    definition = versions.load(child.latest_version_id).definition
    try:
        check_room_for_runs(call.organization_id)
        inputs = checked_inputs(definition, start.inputs)
        _refuse_where_full(child.pk, _concurrency_key(definition, inputs, start.trigger_data), definition)
    except (InvalidRunInputError, LimitExceededError) as error:
        raise StepFailure(error.code, str(error.detail)) from error
    except ConcurrencySkippedError as error:
        raise StepFailure(error.code, str(error.detail), transient=True) from error
    return lambda: _begin(child, start)


def _begin(child: Workflow, start: Start) -> None:
    start_run(child, start)


def checked_inputs(definition: Definition, given: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs with the schema's defaults filled in. Raises `InvalidRunInputError` naming each wrong one."""
    properties = definition.inputs.get("properties", {})
    defaults = {
        name: rule["default"] for name, rule in properties.items() if isinstance(rule, dict) and "default" in rule
    }
    inputs = {**defaults, **given}
    size = len(json.dumps(inputs, ensure_ascii=False).encode())
    if size > limits.INPUT_BYTES:
        raise LimitExceededError(
            _("The inputs have %(size)s bytes; at most %(most)s are allowed.")
            % {"size": size, "most": limits.INPUT_BYTES},
            code="inputs_too_large",
        )
    schema = {"type": "object", **definition.inputs}
    validator = jsonschema_rs.validator_for(schema, pattern_options=jsonschema_rs.RegexOptions(), offline=True)
    errors = [
        {"path": ".".join(map(str, error.instance_path)) or "$", "message": error.message[:500]}
        for error in islice(validator.iter_errors(inputs), MOST_ERRORS)
    ]
    if errors:
        first = errors[0]
        raise InvalidRunInputError(f"{first['path']}: {first['message']}", errors=errors)
    return inputs


def _existing(workflow: Workflow, key: str | None) -> Run | None:
    if key is None:
        return None
    return Run.objects.for_organization(workflow.organization_id).filter(workflow=workflow, idempotency_key=key).first()


def _concurrency_key(definition: Definition, inputs: Mapping[str, Any], trigger_data: Mapping[str, Any]) -> str:
    if definition.concurrency is None:
        return ""
    context = {"inputs": inputs, "trigger": trigger_data}
    key = references.render_lenient(definition.concurrency.key, context)
    return (json.dumps(key, sort_keys=True) if not isinstance(key, str) else key)[:200] or "-"


def _settle_conflict(run: Run, definition: Definition) -> None:
    """Apply `on_conflict` where the run's concurrency group is full."""
    concurrency = definition.concurrency
    if concurrency is None or concurrency.on_conflict == "queue":
        return
    if concurrency.on_conflict == "skip":
        _wait_for_other_starts(run.workflow_id)
    _refuse_where_full(run.workflow_id, run.concurrency_key, definition)
    if concurrency.on_conflict == "cancel_running":
        mark_for_cancelling(open_in_group(run.workflow_id, run.concurrency_key))


def _wait_for_other_starts(workflow_id: uuid.UUID) -> None:
    """Hold what others who count this workflow's runs before they start one want too, until the transaction ends.

    That is the row of its first version, which nobody else locks. Not the workflow's own: whoever publishes holds that
    one and wants the triggers, of which a schedule that starts a run holds one.
    """
    first = WorkflowVersion.objects.unscoped().filter(workflow_id=workflow_id, number=1)
    list(first.select_for_update(no_key=True).values_list("pk"))


def _refuse_where_full(workflow_id: uuid.UUID, key: str, definition: Definition) -> None:
    """Raise `ConcurrencySkippedError` where the group skips and is full: of runs that go on or are about to."""
    concurrency = definition.concurrency
    if concurrency is None or concurrency.on_conflict != "skip":
        return
    if open_in_group(workflow_id, key)[: concurrency.limit].count() >= concurrency.limit:
        raise ConcurrencySkippedError(_("Another run holds the concurrency key “%(key)s”.") % {"key": key})
