"""What a step can see: inputs, earlier steps, the loop around it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.workflows.definition.expressions import Expression
from apps.workflows.models import StepRun


@dataclass
class Frame:
    """A level of the walk: the whole run, or one pass of a loop. `steps` holds what earlier steps left behind."""

    base: Mapping[str, Any]
    prefix: str = ""
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    names: dict[str, Any] = field(default_factory=dict)
    last_output: Any = None

    def path(self, step_id: str) -> str:
        """The path of a step at this level."""
        return f"{self.prefix}{step_id}"

    def remember(self, step_id: str, row: StepRun) -> None:
        """Let later steps refer to this one."""
        self.steps[step_id] = {"output": row.output, "state": row.state, "error": row.error}
        if row.state == StepRun.State.SUCCEEDED:
            self.last_output = row.output

    def inside(self, path: str, index: int, total: int, item_name: str, item: Any) -> "Frame":
        """The level of one pass of a loop."""
        loop = {"index": index, "number": index + 1, "total": total}
        return Frame(self.base, f"{path}[{index}].", dict(self.steps), {**self.names, item_name: item, "loop": loop})

    def context(self, secrets: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Everything that look-ups and conditions see; secrets only when given."""
        context = {**self.base, "steps": self.steps, **self.names}
        if secrets is not None:
            context["secrets"] = secrets
        return context

    def holds(self, condition: Expression) -> bool:
        """Whether a JMESPath condition is true here, by JMESPath's own idea of truth. Raises `ExpressionError`."""
        value = condition.search(self.context())
        return value is not None and value is not False and value != "" and value != [] and value != {}
