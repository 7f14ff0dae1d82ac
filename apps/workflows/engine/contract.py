"""What the engine and the step types say to each other."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

Write = Callable[[], None]


@dataclass(frozen=True)
class StepCall:
    """One attempt at one step, as its step type sees it.

    `config` is the step's `with` with all look-ups replaced. `idempotency_key` is the same for every attempt.
    `context` is what conditions see. `signal` is the answer from outside for a step that waited; `waited_until` the
    moment that it waited for.
    """

    organization_id: uuid.UUID
    run_id: uuid.UUID
    run_public_id: str
    workflow_name: str
    step_pk: uuid.UUID
    path: str
    attempt: int
    config: Mapping[str, Any]
    context: Mapping[str, Any]
    timeout: timedelta
    idempotency_key: str
    signal: Mapping[str, Any] | None
    waited_until: datetime | None
    depth: int
    livemode: bool


@dataclass(frozen=True)
class Result:
    """The step is done. `write` adds rows in the transaction that records it."""

    output: Any
    write: Write | None = None


@dataclass(frozen=True)
class Wait:
    """The step waits until a moment, or for an answer from outside, or for whichever comes first."""

    reason: str
    until: datetime | None = None
    write: Write | None = None


class StepFailure(Exception):
    """The step did not work. Transient failures are tried again while the step's `retry` allows it."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        transient: bool = False,
        retry_after: float | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        self.code, self.message, self.transient = code, message, transient
        self.retry_after, self.details = retry_after, details
        super().__init__(message)
