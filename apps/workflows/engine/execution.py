"""One claimed run, walked from the start: finished steps are remembered, the next ones are done.

There is no program counter. Each time a worker takes the run it walks the definition again over the recorded rows,
so that where it was killed makes no difference.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.core.brand import current_brand
from apps.core.clock import now
from apps.core.context import bound
from apps.core.errors import LimitExceededError
from apps.core.kinds import StepType
from apps.core.registry import registry
from apps.workflows import limits
from apps.workflows.definition import references
from apps.workflows.definition.compiled import Step
from apps.workflows.definition.expressions import ExpressionError
from apps.workflows.engine.attempt import Attempt, close
from apps.workflows.engine.frames import Frame
from apps.workflows.engine.journal import Journal
from apps.workflows.engine.vault import Vault
from apps.workflows.engine.versions import Loaded
from apps.workflows.models import Run, StepRun

CONTROL = ("branch", "foreach")
FEW_ROWS = 50  # that are not worth weighing: together they can't come near the limit of a run
FLUSH_EVERY = 200  # rows of pure steps kept back at most, so that a long loop shows progress


@dataclass(frozen=True)
class Done:
    """The walk may go on."""


@dataclass(frozen=True)
class Parked:
    """The walk waits, until a moment or for an answer."""

    until: datetime | None


@dataclass(frozen=True)
class Failed:
    """The walk ends with this error. When `whole_run`, no `on_error` or `on_item_error` around it can go on."""

    error: Mapping[str, Any]
    whole_run: bool = False


Outcome = Done | Parked | Failed
DONE = Done()
RUN_TIMEOUT = {"code": "run_timeout", "message": "The run took longer than its timeout allows."}


class Execution:
    """Walks one claimed run as far as it goes now."""

    def __init__(self, run: Run, loaded: Loaded) -> None:
        self.run, self.definition = run, loaded.definition
        self.journal = Journal(run)
        self.vault = Vault(run.organization_id, loaded.secret_names)
        self.attempt = Attempt(run, loaded.workflow_name, self.journal, self.vault)
        fresh = run.revision == 0 and run.claims == 1
        steps = () if fresh else StepRun.objects.unscoped().filter(run_id=run.pk)
        self.rows = {row.path: row for row in steps}
        self._kept_back = 0
        self._recorded = sum(map(_bytes_of, self.rows.values())) if len(self.rows) > FEW_ROWS else 0
        self._output: Any = None
        self.frame = Frame(
            {
                "inputs": run.inputs,
                "trigger": run.trigger_data,
                "levqor": {
                    "run_id": run.public_id,
                    "workflow": loaded.workflow_slug,
                    "organization": loaded.organization_slug,
                    "site_url": current_brand().site_url,
                    "trigger": run.trigger_kind,
                },
            }
        )

    def too_late(self) -> bool:
        """Whether the time that the run may take is over."""
        return self.run.deadline_at is not None and now() >= self.run.deadline_at

    def walk(self) -> Outcome:
        """Go as far as possible. What was done is in the journal; the caller flushes it with the run's new state."""
        outcome = self._steps(self.definition.steps, self.frame)
        return self._with_output() if outcome is DONE else outcome

    def _with_output(self) -> Outcome:
        """Put together what the run returns: the declared `output`, with null for look-ups that find nothing."""
        try:
            output = references.render_lenient(self.definition.output, self.frame.context())
        except LimitExceededError as error:
            return Failed({"code": error.code, "message": str(error.detail)})
        self._output = self.vault.redact(output)
        size = _bytes_of_json(self._output)
        if size > limits.OUTPUT_BYTES:
            return Failed(_too_large(size, limits.OUTPUT_BYTES))
        return DONE

    def _steps(self, steps: tuple[Step, ...], frame: Frame) -> Outcome:
        for step in steps:
            outcome = self._visit(step, frame)
            if outcome is not DONE:
                return outcome
        return DONE

    def _visit(self, step: Step, frame: Frame) -> Outcome:
        row = self.rows.get(frame.path(step.id))
        if row is not None and row.state in StepRun.FINISHED:
            return self._leave(step, row, frame)
        if self.too_late():
            return Failed(RUN_TIMEOUT, whole_run=True)
        if row is None:
            if len(self.rows) >= limits.STEPS_PER_RUN:
                message = f"A run has at most {limits.STEPS_PER_RUN:,} steps."
                return Failed({"code": "too_many_steps", "message": message}, whole_run=True)
            if self._recorded > limits.RUN_BYTES:
                message = f"The steps of a run record at most {limits.RUN_BYTES:,} bytes together."
                return Failed({"code": "run_too_large", "message": message}, whole_run=True)
            row = self._begin(step, frame)
            try:
                skipped = step.skip_if is not None and frame.holds(step.skip_if)
            except ExpressionError as error:
                return self._refuse(step, row, frame, "condition_failed", str(error))
            if skipped:
                close(row, StepRun.State.SKIPPED)
                return self._leave(step, row, frame)
        elif step.type not in CONTROL and not self._resume(step, row):
            return self._leave(step, row, frame) if row.state in StepRun.FINISHED else Parked(row.due_at)
        if step.type == "branch":
            return self._branch(step, row, frame)
        if step.type == "foreach":
            return self._foreach(step, row, frame)
        with bound(step=row.path):
            self.attempt.perform(step, row, frame)
        self._recorded += _bytes_of(row)
        if row.state == StepRun.State.WAITING:
            return Parked(row.due_at)
        return self._leave(step, row, frame)

    def _begin(self, step: Step, frame: Frame) -> StepRun:
        path = frame.path(step.id)
        row = StepRun(
            organization_id=self.run.organization_id,
            run_id=self.run.pk,
            path=path,
            name=step.name,
            type=step.type,
            position=len(self.rows) + 1,
            state=StepRun.State.RUNNING,
            started_at=now(),
        )
        self.rows[path] = row
        self.journal.add(row)
        self._kept_back += 1
        if self._kept_back >= FLUSH_EVERY:
            self._kept_back = 0
            self.journal.flush()
        return row

    def _resume(self, step: Step, row: StepRun) -> bool:
        """Make an unfinished plain step ready for its next attempt. False when it has to wait on, or just failed."""
        if row.state == StepRun.State.WAITING:
            due = row.due_at is not None and row.due_at <= now()
            if row.signal is None and not due:
                return False
            if row.waiting_for == StepRun.WaitingFor.RETRY:
                row.attempt += 1
            row.state, row.waiting_for = StepRun.State.RUNNING, ""
            return True
        row.interruptions += 1  # its worker died in the middle of it
        outside = registry(StepType).get(step.type).effect == "outside"
        if row.interruptions > limits.CLAIMS_WITHOUT_PROGRESS or (outside and not step.repeat_interrupted):
            close(row, StepRun.State.FAILED)
            row.error = {
                "code": "unknown_outcome",
                "message": "The worker died during this step, so nobody knows whether it took effect.",
                "step": row.path,
            }
            self.journal.touch(row)
            return False
        return True

    def _leave(self, step: Step, row: StepRun, frame: Frame) -> Outcome:
        frame.remember(step.id, row)
        if row.state == StepRun.State.FAILED and not step.continue_on_error:
            return Failed(row.error or {"code": "step_failed", "message": "The step failed.", "step": row.path})
        return DONE

    def _branch(self, step: Step, row: StepRun, frame: Frame) -> Outcome:
        if row.output is None:
            try:
                taken = next((n for n, branch in enumerate(step.branches) if frame.holds(branch.when)), None)
            except ExpressionError as error:
                return self._refuse(step, row, frame, "condition_failed", str(error))
            name = "otherwise" if taken is None else step.branches[taken].name or str(taken + 1)
            row.output = {"taken": taken, "name": name}
            self.journal.touch(row)
        taken = row.output["taken"]
        outcome = self._steps(step.otherwise if taken is None else step.branches[taken].steps, frame)
        return self._close_control(step, row, frame, outcome)

    def _close_control(self, step: Step, row: StepRun, frame: Frame, outcome: Outcome) -> Outcome:
        if isinstance(outcome, Parked):
            return outcome
        if isinstance(outcome, Failed):
            close(row, StepRun.State.FAILED)
            row.error = dict(outcome.error)
        else:
            last = frame.last_output
            close(row, StepRun.State.SUCCEEDED)
        self.journal.touch(row)
        left = self._leave(step, row, frame)
        if isinstance(outcome, Failed) and outcome.whole_run:
            return outcome
        if outcome is DONE and step.type == "branch":
            frame.last_output = last  # a branch passes on what its last step gave
        return left

    def _foreach(self, step: Step, row: StepRun, frame: Frame) -> Outcome:
        if row.input is None:
            try:
                items = references.render(step.items, frame.context())
            except references.UnresolvedReferenceError as error:
                return self._refuse(step, row, frame, "unresolved_reference", str(error))
            except LimitExceededError as error:
                return self._refuse(step, row, frame, error.code, str(error.detail))
            if not isinstance(items, list):
                return self._refuse(step, row, frame, "not_a_list", "“items” is not a list.")
            if len(items) > limits.FOREACH_ITEMS:
                message = f"The list has {len(items):,} items; at most {limits.FOREACH_ITEMS:,} are allowed."
                return self._refuse(step, row, frame, "too_many_items", message)
            row.input = {"items": items}
            self._recorded += _bytes_of(row)
            self.journal.touch(row)
        results: list[Any] = []
        errors: list[dict[str, Any]] = []
        parked: list[datetime | None] = []
        items = row.input["items"]
        for index, item in enumerate(items):
            inside = frame.inside(row.path, index, len(items), step.item_name, item)
            outcome = self._steps(step.steps, inside)
            if isinstance(outcome, Parked):
                parked.append(outcome.until)
            elif isinstance(outcome, Failed):
                errors.append({"index": index, **outcome.error})
                if outcome.whole_run or not step.continue_on_item_error:
                    return self._close_control(step, row, frame, outcome)
            results.append(inside.last_output if outcome is DONE else None)
        if parked:
            moments = [moment for moment in parked if moment is not None]
            return Parked(min(moments) if moments else None)
        size = _bytes_of_json(results)
        if size > limits.LOOP_OUTPUT_BYTES:
            return self._refuse(step, row, frame, **_too_large(size, limits.LOOP_OUTPUT_BYTES))
        self._recorded += size
        row.output = {"items": results, "succeeded": len(items) - len(errors), "failed": len(errors), "errors": errors}
        return self._close_control(step, row, frame, DONE)

    def _refuse(self, step: Step, row: StepRun, frame: Frame, code: str, message: str) -> Outcome:
        return self._close_control(step, row, frame, Failed({"code": code, "message": message, "step": row.path}))

    def output(self) -> Any:
        """What the run returns, once its walk is done."""
        return self._output


def _bytes_of(row: StepRun) -> int:
    """About how much a step's record takes."""
    return _bytes_of_json(row.input) + _bytes_of_json(row.output) + (_bytes_of_json(row.error) if row.error else 0)


def _bytes_of_json(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())


def _too_large(size: int, most: int) -> dict[str, str]:
    return {"code": "output_too_large", "message": f"The output has {size:,} bytes; at most {most:,} are kept."}
