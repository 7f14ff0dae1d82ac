"""The part of a definition that has the right form, so that its meaning can be checked beside its mistakes of form."""

from collections.abc import Iterable, Mapping
from typing import Any

from apps.workflows.definition.source import Path

NESTING = ("branches", "otherwise", "steps")
OPTIONAL = ("inputs", "triggers", "timeout", "concurrency", "output", "on_failure")


def sound_part(data: Any, mistakes: Iterable[Path]) -> dict[str, Any] | None:
    """A copy in which steps with a mistake are stand-ins that keep their id and look-ups, each at its place.

    None where nothing sensible is left: ids that later steps refer to would be missing, and be told as mistakes.
    """
    if not isinstance(data, Mapping) or not isinstance(data.get("steps"), list):
        return None
    part: dict[str, Any] = dict(data)
    for path in mistakes:
        if path and path[0] in OPTIONAL:
            part.pop(str(path[0]), None)
        elif path and path[0] == "steps":
            replaced = _replaced(part["steps"], path[1:])
            if replaced is None:
                return None
            part["steps"] = replaced
    return part


def _replaced(steps: Any, path: Path) -> list[Any] | None:
    """The list with a stand-in for the innermost step on the path."""
    if not path or not isinstance(path[0], int) or not isinstance(steps, list):
        return None
    index, rest = path[0], path[1:]
    step = steps[index]
    if not isinstance(step, Mapping):
        return None
    changed: Any = None
    if rest and rest[0] in ("steps", "otherwise") and len(rest) > 1:
        inner = _replaced(step[rest[0]], rest[1:])
        changed = None if inner is None else {**step, rest[0]: inner}
    elif len(rest) > 3 and rest[0] == "branches" and rest[2] == "steps":
        branches, number = list(step["branches"]), int(rest[1])
        inner = _replaced(branches[number]["steps"], rest[3:])
        if inner is not None:
            branches[number] = {**branches[number], "steps": inner}
            changed = {**step, "branches": branches}
    elif isinstance(step.get("id"), str) and not any(name in step for name in NESTING):
        # An http step may look up whatever any other may.
        changed = {"id": step["id"], "type": "http", "with": step.get("with")}
    return None if changed is None else [*steps[:index], changed, *steps[index + 1 :]]
