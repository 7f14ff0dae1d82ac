"""Definitions to begin with: the examples of `fixtures/examples`, and an empty page that already runs."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.workflows.definition.source import read

FOLDER = Path(settings.BASE_DIR) / "fixtures" / "examples"
BLANK = """\
name: My workflow
description: What it is for, in one sentence.

inputs:
  type: object
  properties:
    name: {type: string, default: World, title: Who is greeted}

# triggers:
#   - {name: weekdays, type: cron, cron: "0 9 * * 1-5", timezone: Europe/London}
#   - {name: incoming, type: webhook}

steps:
  - id: greeting
    name: Write a greeting
    type: transform
    with:
      expression: "join('', ['Hello ', inputs.name, '!'])"

  - id: pause
    name: Wait a moment
    type: delay
    with: {for: 3s}

output: "{{ steps.greeting.output }}"
"""


@dataclass(frozen=True)
class Example:
    """A definition to copy."""

    key: str
    name: str
    description: str
    source: str
    step_types: tuple[str, ...]


@cache
def every() -> tuple[Example, ...]:
    """The examples by name; none where the folder is not shipped."""
    return tuple(_load(path) for path in sorted(FOLDER.glob("*.yaml")))


def source_of(key: str) -> str:
    """The text to begin with: the example with this key, else the blank one."""
    return next((example.source for example in every() if example.key == key), BLANK)


def _load(path: Path) -> Example:
    source = path.read_text(encoding="utf-8")
    data: dict[str, Any] = read(source).data
    types = dict.fromkeys(_types(data["steps"]))
    return Example(path.stem, data["name"], data.get("description", ""), source, tuple(types))


def _types(steps: list[dict[str, Any]]) -> list[str]:
    found = []
    for step in steps:
        found.append(step["type"])
        for branch in step.get("branches", []):
            found += _types(branch["steps"])
        found += _types([*step.get("otherwise", []), *step.get("steps", [])])
    return found
