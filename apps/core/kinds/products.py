"""What organizations have, use up and build with."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from apps.core.kinds.base import Contribution, Dimension, Text, Value


@dataclass(frozen=True)
class Meter(Contribution):
    """A figure that usage events add up to, for one organization.

    `of` is the name that the events carry. "sum" adds their values, "count" counts them, "max" takes the largest,
    "unique" counts the different values of the dimension `counts` (whose events are not all taken back). `group_by` are
    the dimensions that the figure may be divided by.
    """

    name: str
    label: Text
    of: str
    aggregation: Literal["sum", "count", "unique", "max"]
    counts: Dimension | None = None
    group_by: tuple[Dimension, ...] = ("category", "key_id", "user_id")


@dataclass(frozen=True)
class Feature(Contribution):
    """Something that an organization has by what it pays for: asked of `core.entitlements`.

    "boolean" is there or not, "static" has a value (a number of seats, a plan), "metered" is used up (credits).
    `default` is what it is without paying. Of several sources `combine` makes one value: by default any, the largest,
    the sum. `used(organization_id)` counts how much of a number is taken.
    """

    code: str
    label: Text
    kind: Literal["boolean", "static", "metered"]
    default: Value
    combine: Callable[[list[Value]], Value] | None = None
    used: Callable[[uuid.UUID], int] | None = None

    @property
    def key(self) -> str:
        return self.code


@dataclass(frozen=True)
class EntitlementProvider(Contribution):
    """Knows what organizations have: `find(organization_id)` returns the value of each feature that is paid for.

    `upgrade_url_name` is the page where more can be had.
    """

    name: str
    upgrade_url_name: str
    find: Callable[[uuid.UUID], Mapping[str, Value]]


@dataclass(frozen=True)
class StepType(Contribution):
    """A kind of workflow step.

    `schema` is the JSON Schema of the step's `with`; `required` says that `with` must be there. `run(step)` gets the
    engine's step context and returns its output (JSON), or waits, or raises. `effect` is what it does besides:
    nothing ("none": may simply be computed again), rows written with its result ("transaction"), or something out in
    the world ("outside": its start is recorded before, and it carries an idempotency key). `mock(step)` stands for
    `run` in a sandbox; a step without it has nothing to do with the world. `on_interrupt` is what happens, unless the
    definition says otherwise, to a step that its worker died in: it is repeated, or fails with an unknown outcome.
    """

    name: str
    label: Text
    schema: Mapping[str, Any]
    run: Callable[[Any], Any]
    effect: Literal["none", "transaction", "outside"] = "outside"
    required: bool = True
    mock: Callable[[Any], Any] | None = None
    on_interrupt: Literal["repeat", "fail"] = "repeat"
