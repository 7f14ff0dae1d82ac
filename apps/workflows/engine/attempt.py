"""One attempt at one plain step: render, check, call, record, and decide what a failure means."""

import json
import random
from datetime import timedelta
from functools import lru_cache
from typing import Any

import jsonschema_rs
import structlog

from apps.core.clock import now
from apps.core.doorbell import ring_once_now
from apps.core.errors import DomainError
from apps.core.json_values import storable
from apps.core.kinds import StepType
from apps.core.registry import registry
from apps.workflows import limits
from apps.workflows.definition import references
from apps.workflows.definition.compiled import UNSET, Step
from apps.workflows.engine.contract import Result, StepCall, StepFailure, Wait
from apps.workflows.engine.frames import Frame
from apps.workflows.engine.journal import Journal
from apps.workflows.engine.vault import Vault
from apps.workflows.engine.wake import WORK_TASK
from apps.workflows.models import Run, StepRun

log = structlog.get_logger(__name__)


@lru_cache(maxsize=64)
def _config_validator(name: str) -> Any:
    """The compiled schema of a step type's `with`. Regular expressions run in linear time."""
    schema = dict(registry(StepType).get(name).schema)
    return jsonschema_rs.validator_for(schema, pattern_options=jsonschema_rs.RegexOptions(), offline=True)


class Attempt:
    """Runs plain steps of one claimed run."""

    def __init__(self, run: Run, workflow_name: str, journal: Journal, vault: Vault) -> None:
        self.run, self.workflow_name, self.journal, self.vault = run, workflow_name, journal, vault

    def perform(self, step: Step, row: StepRun, frame: Frame) -> None:
        """Try the step once and leave its row succeeded, waiting or failed. `row.state` is RUNNING on entry."""
        step_type = registry(StepType).get(step.type)
        try:
            config = self._render(step, row, frame)
            if step_type.effect == "outside":
                self.journal.touch(row)
                self.journal.flush(progress=False)
                self._let_others_work()
                self.journal.require_lease()
            self._settle(row, _run(step, step_type, self._call(step, row, config, frame)))
        except StepFailure as failure:
            self._fail(step, row, failure)
        except DomainError as error:
            self._fail(step, row, StepFailure(error.code, str(error.detail)))
        except RecursionError:
            self._fail(step, row, StepFailure("output_too_deep", "The output is nested too deeply."))
        self.journal.touch(row)
        if step_type.effect == "outside":
            self.journal.flush()

    def _let_others_work(self) -> None:
        """Before a call that may take long: one ring may have announced many runs, so send somebody for the others."""
        if self.run.others_are_due:
            self.run.others_are_due = False
            ring_once_now(WORK_TASK)

    def _render(self, step: Step, row: StepRun, frame: Frame) -> Any:
        if step.fixed_config:
            config = row.input = step.config
        else:
            try:
                config = references.render(step.config, frame.context(self.vault))
                shown = references.render(step.config, frame.context(self.vault.masked()))
            except references.UnresolvedReferenceError as error:
                raise StepFailure("unresolved_reference", str(error)) from error
            row.input = _shortened(self.vault.redact(shown))
        wrong = next(iter(_config_validator(step.type).iter_errors(config)), None)
        if wrong is not None:
            place = ".".join(str(part) for part in wrong.instance_path) or "with"
            raise StepFailure("invalid_step_input", self.vault.redact(f"{place}: {wrong.message}"))
        return config

    def _call(self, step: Step, row: StepRun, config: Any, frame: Frame) -> StepCall:
        return StepCall(
            organization_id=self.run.organization_id,
            run_id=self.run.pk,
            run_public_id=self.run.public_id,
            workflow_name=self.workflow_name,
            step_pk=row.pk,
            path=row.path,
            attempt=row.attempt,
            config=config,
            context=frame.context(),
            timeout=step.timeout,
            idempotency_key=row.public_id,
            signal=row.signal,
            waited_until=row.due_at,
            depth=self.run.depth,
            livemode=self.run.livemode,
        )

    def _settle(self, row: StepRun, answer: Any) -> None:
        if isinstance(answer, Wait):
            row.state, row.waiting_for, row.due_at = StepRun.State.WAITING, answer.reason, answer.until
            self.journal.also(answer.write)
            return
        result = answer if isinstance(answer, Result) else Result(answer)
        output = self.vault.redact(storable(result.output))
        size = len(json.dumps(output, ensure_ascii=False).encode())
        if size > limits.OUTPUT_BYTES:
            raise StepFailure(
                "output_too_large", f"The output has {size:,} bytes; at most {limits.OUTPUT_BYTES:,} are kept."
            )
        self.journal.also(result.write)
        close(row, StepRun.State.SUCCEEDED)
        row.output, row.error = output, None

    def _fail(self, step: Step, row: StepRun, failure: StepFailure) -> None:
        # Secrets go before anything is cut off: half of one would not be found.
        message = self.vault.redact(storable(failure.message))[:2000]
        error: dict[str, Any] = {"code": failure.code, "message": message, "step": row.path}
        if failure.details:
            error["details"] = _shortened(self.vault.redact(storable(dict(failure.details))))
        if failure.transient and row.attempt < step.retry.attempts:
            pause = _pause(step, row.attempt, failure.retry_after)
            row.attempts = [*row.attempts, {"attempt": row.attempt, "at": now().isoformat(), "error": error}]
            row.state, row.waiting_for = StepRun.State.WAITING, StepRun.WaitingFor.RETRY
            row.due_at, row.error = now() + pause, error
            return
        close(row, StepRun.State.FAILED)
        row.error = error


def _run(step: Step, step_type: StepType, call: StepCall) -> Any:
    """What the step gives; in a sandbox, where it would reach the world, what it would have given."""
    try:
        if call.livemode or step_type.mock is None:
            return step_type.run(call)
        return step_type.mock(call) if step.mock is UNSET else Result(step.mock)
    except (StepFailure, DomainError):
        raise
    except Exception as error:
        log.exception("step_type_broke", step_type=step_type.name, run=call.run_public_id, path=call.path)
        raise StepFailure("internal_error", "The step broke on our side; support can find it by the run id.") from error


def close(row: StepRun, state: str) -> None:
    """Put a step into a last state."""
    row.state, row.waiting_for, row.due_at, row.finished_at = state, "", None, now()


def _pause(step: Step, attempt: int, retry_after: float | None) -> timedelta:
    """Full jitter: anything up to the doubled delay, but never less than the server asked for."""
    most = min(step.retry.delay * 2 ** min(attempt - 1, 30), step.retry.max_delay)
    pause = random.uniform(0, most.total_seconds())  # noqa: S311 - jitter, not a secret
    if retry_after is not None:
        pause = max(pause, min(retry_after, limits.RETRY_DELAY.total_seconds()))
    return timedelta(seconds=pause)


def _shortened(value: Any) -> Any:
    """What was sent, as long as it is short enough to keep for the record."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    if len(text) <= limits.RECORDED_INPUT_BYTES:
        return value
    return {"shortened": text[: limits.RECORDED_INPUT_BYTES], "characters": len(text)}
