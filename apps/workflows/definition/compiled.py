"""A checked definition in the form that the engine walks: frozen, with expressions compiled once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from apps.core.kinds import StepType
from apps.core.registry import registry
from apps.workflows import limits
from apps.workflows.definition import durations, expressions, references
from apps.workflows.definition.expressions import Expression

PRIORITIES = {"high": 0, "normal": 5, "low": 9}


@dataclass(frozen=True)
class Retry:
    """How often and how patiently a step is tried."""

    attempts: int = 1
    delay: timedelta = timedelta(seconds=1)
    max_delay: timedelta = timedelta(minutes=5)


@dataclass(frozen=True)
class Branch:
    """One way through a branch step."""

    when: Expression
    name: str
    steps: "tuple[Step, ...]"


UNSET: Any = object()


@dataclass(frozen=True)
class Step:
    """One step; `branches` and `steps` hold what is inside of branch and foreach."""

    id: str
    name: str
    type: str
    position: int
    config: Mapping[str, Any] = field(default_factory=dict)
    fixed_config: bool = False
    retry: Retry = Retry()
    timeout: timedelta = timedelta(seconds=30)
    skip_if: Expression | None = None
    continue_on_error: bool = False
    repeat_interrupted: bool = True
    mock: Any = UNSET
    branches: tuple[Branch, ...] = ()
    otherwise: "tuple[Step, ...]" = ()
    items: Any = None
    item_name: str = "item"
    continue_on_item_error: bool = False
    steps: "tuple[Step, ...]" = ()


@dataclass(frozen=True)
class Concurrency:
    """At most `limit` runs with the same rendered `key` at a time."""

    key: str
    limit: int = 1
    on_conflict: str = "queue"


@dataclass(frozen=True)
class Definition:
    """A whole workflow."""

    name: str
    inputs: Mapping[str, Any]
    priority: int
    timeout: timedelta
    concurrency: Concurrency | None
    failure_workflow: str | None
    steps: tuple[Step, ...]
    output: Any


def compile_definition(definition: Mapping[str, Any]) -> Definition:
    """The engine's form of a checked definition."""
    concurrency = definition.get("concurrency")
    counter = iter(range(1, limits.STEPS_PER_DEFINITION + 2))
    return Definition(
        name=definition["name"],
        inputs=definition.get("inputs", {}),
        priority=PRIORITIES[definition.get("priority", "normal")],
        timeout=durations.parse(definition["timeout"]) if "timeout" in definition else limits.RUN_LENGTH,
        concurrency=Concurrency(**concurrency) if concurrency else None,
        failure_workflow=definition.get("on_failure", {}).get("workflow"),
        steps=_steps(definition["steps"], counter),
        output=definition.get("output"),
    )


def _steps(steps: list[dict[str, Any]], counter: Any) -> tuple[Step, ...]:
    return tuple(_step(step, counter) for step in steps)


def _step(step: dict[str, Any], counter: Any) -> Step:
    position = next(counter)
    config = step.get("with", {})
    return Step(
        id=step["id"],
        name=step.get("name", ""),
        type=step["type"],
        position=position,
        config=config,
        fixed_config=not any("{{" in text for _path, text in references.walk(config)),
        retry=_retry(step.get("retry")),
        timeout=durations.parse(step["timeout"]) if "timeout" in step else timedelta(seconds=30),
        skip_if=expressions.compiled(step["skip_if"]) if "skip_if" in step else None,
        continue_on_error=step.get("on_error") == "continue",
        repeat_interrupted=step.get("on_interrupt", _usual(step["type"])) == "repeat",
        mock=step.get("mock", UNSET),
        branches=tuple(
            Branch(expressions.compiled(branch["when"]), branch.get("name", ""), _steps(branch["steps"], counter))
            for branch in step.get("branches", [])
        ),
        otherwise=_steps(step.get("otherwise", []), counter),
        items=step.get("items"),
        item_name=step.get("as", "item"),
        continue_on_item_error=step.get("on_item_error") == "continue",
        steps=_steps(step.get("steps", []), counter),
    )


def _usual(name: str) -> str:
    """What happens to an interrupted step of a type whose definition does not say."""
    step_type = registry(StepType).find(name)
    return step_type.on_interrupt if step_type else "repeat"


def _retry(retry: Mapping[str, Any] | None) -> Retry:
    if retry is None:
        return Retry()
    waits = {key: durations.parse(retry[key]) for key in ("delay", "max_delay") if key in retry}
    return Retry(attempts=retry["attempts"], **waits)
