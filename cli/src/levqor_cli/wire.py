"""What the API sends about runs and steps, as typed values. Unknown members are kept in `raw`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from levqor_cli.text import parse_time

FINAL_RUN_STATES = frozenset({"succeeded", "failed", "cancelled"})
FINAL_STEP_STATES = frozenset({"succeeded", "failed", "skipped", "cancelled"})


@dataclass(frozen=True)
class Failure:
    """Why a run or a step failed."""

    code: str
    message: str
    step: str = ""

    @classmethod
    def parse(cls, value: Any) -> Self | None:
        """From `{code, message, step}`, a bare message, or nothing."""
        if isinstance(value, dict):
            return cls(str(value.get("code") or ""), str(value.get("message") or ""), str(value.get("step") or ""))
        return cls("", value) if isinstance(value, str) and value else None


@dataclass(frozen=True)
class Run:
    """One run. Times are aware, durations in milliseconds."""

    id: str
    workflow_name: str
    workflow_slug: str
    version: int | None
    state: str
    trigger: str
    error: Failure | None
    created_at: datetime | None
    started_at: datetime | None
    duration_ms: float | None
    revision: int
    raw: dict[str, Any]

    @property
    def finished(self) -> bool:
        """Whether nothing will happen any more."""
        return self.state in FINAL_RUN_STATES

    @classmethod
    def parse(cls, document: dict[str, Any]) -> Self:
        """From the API's run document."""
        workflow = document.get("workflow") or {}
        trigger = document.get("trigger")
        version = document.get("version")
        return cls(
            id=str(document["id"]),
            workflow_name=str(workflow.get("name") or workflow.get("slug") or ""),
            workflow_slug=str(workflow.get("slug") or ""),
            version=version.get("number") if isinstance(version, dict) else version,
            state=str(document["state"]),
            trigger=str((trigger.get("type") or "") if isinstance(trigger, dict) else (trigger or "")),
            error=Failure.parse(document.get("error")),
            created_at=parse_time(document.get("created_at")),
            started_at=parse_time(document.get("started_at")),
            duration_ms=document.get("duration_ms"),
            revision=int(document.get("revision") or 0),
            raw=document,
        )


@dataclass(frozen=True)
class Step:
    """One step of a run, or one iteration of it."""

    id: str
    path: str
    name: str
    type: str
    state: str
    attempt: int
    error: Failure | None
    started_at: datetime | None
    due_at: datetime | None
    duration_ms: float | None
    waiting_for: str
    raw: dict[str, Any]

    @property
    def finished(self) -> bool:
        """Whether the step has ended for good."""
        return self.state in FINAL_STEP_STATES

    @property
    def awaits_approval(self) -> bool:
        """Whether a person has to decide before the run goes on."""
        return self.state == "waiting" and "approval" in {self.waiting_for, self.type}

    @property
    def label(self) -> str:
        """What the step is called: its name, or its place in the definition."""
        return self.name or self.path or self.id

    @classmethod
    def parse(cls, document: dict[str, Any]) -> Self:
        """From the API's step document."""
        return cls(
            id=str(document["id"]),
            path=str(document.get("path") or ""),
            name=str(document.get("name") or ""),
            type=str(document.get("type") or ""),
            state=str(document["state"]),
            attempt=int(document.get("attempt") or 0),
            error=Failure.parse(document.get("error")),
            started_at=parse_time(document.get("started_at")),
            due_at=parse_time(document.get("due_at")),
            duration_ms=document.get("duration_ms"),
            waiting_for=str(document.get("waiting_for") or ""),
            raw=document,
        )
