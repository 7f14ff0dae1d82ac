"""A run as its page shows it: the definition's steps, each with what became of it. Loops come in pages."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Count, Q, Sum
from django.utils.translation import gettext as _

from apps.accounts.permissions import Actor, can
from apps.core.errors import NotFoundError
from apps.core.kinds import StepType
from apps.core.registry import registry
from apps.workflows.definition.compiled import Step
from apps.workflows.engine import versions
from apps.workflows.graph import type_label
from apps.workflows.models import Run, StepRun
from apps.workflows.services.approving import DEFAULT_ROLES

ITEMS_ON_PAGE = 25
FINISHED = StepRun.FINISHED
THROUGH = frozenset({StepRun.State.SUCCEEDED, StepRun.State.FAILED, StepRun.State.SKIPPED})
Kept = Mapping[Any, Mapping[str, Any]]


@dataclass(frozen=True)
class Loop:
    """How far a loop has come, in items."""

    total: int
    done: int
    failed: int

    @property
    def ended(self) -> int:
        """Items that are through, well or not."""
        return self.done + self.failed


@dataclass(frozen=True)
class Decision:
    """How an approval was answered; `by` is nobody where the time ran out."""

    approved: bool
    by: str
    at: datetime | None
    comment: str


@dataclass(frozen=True)
class Line:
    """One step of the timeline; `row` is None for a step that has not begun."""

    step: Step
    path: str
    row: StepRun | None
    kind: str
    way: str = ""
    inside: tuple["Line", ...] = ()
    loop: Loop | None = None
    question: str = ""
    may_decide: bool = False
    deciders: tuple[str, ...] = ()
    decision: Decision | None = None
    child: Run | None = None

    @property
    def state(self) -> str:
        """The step's state; "pending" before it began."""
        return self.row.state if self.row else StepRun.State.PENDING

    @property
    def title(self) -> str:
        """What the step is called."""
        return self.step.name or self.step.id

    @property
    def attempts(self) -> int:
        """How often the step may be tried in all."""
        return self.step.retry.attempts

    @property
    def answered(self) -> bool:
        """Whether a person has decided and the worker has not yet gone on."""
        return self.row is not None and self.row.signal is not None

    @property
    def duration(self) -> timedelta | None:
        """How long the step took; None until it ended."""
        return self.row.took if self.row else None


@dataclass(frozen=True)
class Item:
    """One pass of a loop."""

    index: int
    state: str
    preview: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class ItemPage:
    """Some passes of a loop. `pages` counts from 1."""

    path: str
    title: str
    items: list[Item]
    page: int
    pages: int
    total: int
    failed_only: bool


@dataclass
class Timeline:
    """All top steps of a run. `total` counts the steps that are listed, `progress` those that are through.

    What it cost: `begun` steps, those in loops included, and `calls` to the outside, each attempt counted.
    """

    lines: tuple[Line, ...]
    progress: int = 0
    total: int = 0
    failed: Line | None = None
    waiting: Line | None = None
    open_approvals: list[Line] = field(default_factory=list)
    begun: int = 0
    calls: int = 0


def of_run(run: Run, actor: Actor) -> Timeline:
    """The run's timeline as this member sees it: 3 to 5 queries, whatever the length of its loops."""
    steps = versions.load(run.version_id).definition.steps
    rows = list(run.steps.exclude(path__contains="[").defer("input", "output").order_by("position"))
    lines = _Builder(run, actor, rows).lines(steps, "")
    begun, calls = _cost(run)
    timeline = Timeline(lines, begun=begun, calls=calls)
    for line in flat(lines):
        timeline.total += 1
        timeline.progress += line.state in THROUGH
        if line.state == StepRun.State.FAILED:
            timeline.failed = line  # the deepest one is the cause
        if line.state == StepRun.State.WAITING:
            timeline.waiting = timeline.waiting or line
            if line.question:
                timeline.open_approvals.append(line)
    return timeline


def _cost(run: Run) -> tuple[int, int]:
    outside = [step_type.name for step_type in registry(StepType).all() if step_type.effect == "outside"]
    begun = run.steps.exclude(state__in=(StepRun.State.PENDING, StepRun.State.SKIPPED))
    sums = begun.aggregate(begun=Count("pk"), calls=Sum("attempt", filter=Q(type__in=outside), default=0))
    return sums["begun"], sums["calls"]


def flat(lines: tuple[Line, ...]) -> Iterator[Line]:
    """Each line and what is inside of it, in order."""
    for line in lines:
        yield line
        yield from flat(line.inside)


def items_of(run: Run, actor: Actor, path: str, page: int, *, failed_only: bool = False) -> ItemPage:
    """A page of a loop's passes. Raises `NotFoundError` when there is no such loop in this run."""
    row = run.steps.filter(path=path, type="foreach").first()
    step = _find(versions.load(run.version_id).definition.steps, path.rsplit(".", 1)[-1])
    if row is None or step is None:
        raise NotFoundError(_("There is no such loop in this run."))
    items = (row.input or {}).get("items", [])
    indexes = _failed_indexes(run, path, step) if failed_only else range(len(items))
    pages = max(1, -(-len(indexes) // ITEMS_ON_PAGE))
    page = min(max(page, 1), pages)
    chosen = list(indexes[(page - 1) * ITEMS_ON_PAGE : page * ITEMS_ON_PAGE])
    rows = _rows_of_items(run, path, step, chosen)
    builder = _Builder(run, actor, rows)
    shown = []
    for index in chosen:
        lines = builder.lines(step.steps, f"{path}[{index}].")
        preview = json.dumps(items[index], ensure_ascii=False) if index < len(items) else ""
        shown.append(Item(index, _item_state(lines, run), preview[:120], lines))
    return ItemPage(path, step.name or step.id, shown, page, pages, len(indexes), failed_only)


def _item_state(lines: tuple[Line, ...], run: Run) -> str:
    for line in lines:
        if line.state == StepRun.State.FAILED and not line.step.continue_on_error:
            return StepRun.State.FAILED
    states = {line.state for line in lines}
    if states <= set(FINISHED):
        return StepRun.State.CANCELLED if StepRun.State.CANCELLED in states else StepRun.State.SUCCEEDED
    if StepRun.State.WAITING in states:
        return StepRun.State.WAITING
    if run.finished:
        return StepRun.State.CANCELLED
    return StepRun.State.PENDING if states == {StepRun.State.PENDING} else StepRun.State.RUNNING


def _find(steps: tuple[Step, ...], step_id: str) -> Step | None:
    for step in steps:
        if step.id == step_id:
            return step
        inner = [*step.steps, *step.otherwise, *(one for branch in step.branches for one in branch.steps)]
        found = _find(tuple(inner), step_id)
        if found is not None:
            return found
    return None


def _body(step: Step) -> Iterator[Step]:
    """The steps of one pass, those inside branches too, but not what is inside of a nested loop."""
    pending = list(step.steps)
    while pending:
        one = pending.pop()
        yield one
        pending += [*one.otherwise, *(inner for branch in one.branches for inner in branch.steps)]


def _rows_of_items(run: Run, path: str, step: Step, indexes: list[int]) -> list[StepRun]:
    if not indexes:
        return []
    wanted = reduce(or_, (Q(path__startswith=f"{path}[{index}].") for index in indexes))
    rows = run.steps.filter(wanted).defer("input", "output")
    for inner in _body(step):
        if inner.type == "foreach":
            rows = rows.exclude(path__contains=f".{inner.id}[")
    return list(rows.order_by("position"))


def _failed_indexes(run: Run, path: str, step: Step) -> list[int]:
    prefix = f"{path}["
    ends = reduce(or_, (Q(path__endswith=f"].{one.id}") for one in step.steps if not one.continue_on_error), Q(pk=None))
    failed = run.steps.filter(ends, path__startswith=prefix, state=StepRun.State.FAILED).values_list("path", flat=True)
    return sorted({int(found[len(prefix) :].split("]", 1)[0]) for found in failed})


class _Builder:
    """Puts rows and definition together; asks the database once for what only some kinds of step need."""

    def __init__(self, run: Run, actor: Actor, rows: list[StepRun]) -> None:
        self.run = run
        self.role = actor.role if can(actor, "runs.decide", actor.organization) else ""
        self.rows = {row.path: row for row in rows}
        special = [row.pk for row in rows if row.type in {"branch", "foreach", "approval"}]
        self.kept: Kept = {
            values["pk"]: values
            for values in (run.steps.filter(pk__in=special).values("pk", "input", "output") if special else ())
        }
        parents = [row.pk for row in rows if row.type == "subflow"]
        children = Run.objects.for_organization(run.organization_id).filter(parent_step__in=parents)
        self.children = {child.parent_step_id: child for child in (children if parents else ())}
        self.loops = self._loops([row for row in rows if row.type == "foreach"])

    def lines(self, steps: tuple[Step, ...], prefix: str) -> tuple[Line, ...]:
        """The lines of steps at one level."""
        return tuple(self._line(step, f"{prefix}{step.id}", prefix) for step in steps)

    def _line(self, step: Step, path: str, prefix: str) -> Line:
        row = self.rows.get(path)
        line: dict[str, Any] = {"step": step, "path": path, "row": row, "kind": type_label(step.type)}
        if row is None:
            return Line(**line)
        kept = self.kept.get(row.pk, {})
        if step.type == "branch" and kept.get("output"):
            taken = kept["output"]["taken"]
            inside = step.otherwise if taken is None else step.branches[taken].steps
            line |= {"way": self._way(step, taken), "inside": self.lines(inside, prefix)}
        elif step.type == "foreach" and row.pk in self.loops:
            line["loop"] = self.loops[row.pk]
        elif row.waiting_for == StepRun.WaitingFor.APPROVAL:
            asked = kept.get("input") or {}
            roles = tuple(asked.get("roles", DEFAULT_ROLES))
            line |= {"question": asked.get("message", ""), "deciders": roles, "may_decide": self.role in roles}
        elif step.type == "approval":
            line["decision"] = _decision(row, kept.get("output"))
        elif step.type == "subflow":
            line["child"] = self.children.get(row.pk)
        return Line(**line)

    def _way(self, step: Step, taken: int | None) -> str:
        if taken is not None:
            return step.branches[taken].name or _("way %(number)s") % {"number": taken + 1}
        return _("otherwise") if step.otherwise else _("none of its ways")

    def _loops(self, rows: list[StepRun]) -> dict[Any, Loop]:
        """How far each loop is: its own record once it ended, one query for all that still go on."""
        loops: dict[Any, Loop] = {}
        counts: dict[str, Count] = {}
        for number, row in enumerate(rows):
            kept = self.kept[row.pk]
            total = len((kept["input"] or {}).get("items", []))
            output = kept["output"]
            if output is not None:
                loops[row.pk] = Loop(total, output["succeeded"], output["failed"])
                continue
            step = _find(versions.load(self.run.version_id).definition.steps, row.path.rsplit(".", 1)[-1])
            if step is None or not total:
                continue
            loops[row.pk] = Loop(total, 0, 0)
            counts |= _counts(number, row.path, step)
        if counts:
            found = self.run.steps.aggregate(**counts)
            for number, row in enumerate(rows):
                if f"done_{number}" in found:
                    total = loops[row.pk].total
                    loops[row.pk] = Loop(total, found[f"done_{number}"], found[f"failed_{number}"])
        return loops


def _decision(row: StepRun, output: Any) -> Decision | None:
    """The answer to an approval that ended; None where it was cancelled, or failed for want of an answer."""
    if row.signal is not None:
        answer = row.signal
        at = datetime.fromisoformat(answer["at"])
        return Decision(answer["decision"] == "approve", answer["by"], at, answer["comment"])
    if output is not None:
        return Decision(output["approved"], "", row.finished_at, "")
    return None


def _counts(number: int, path: str, step: Step) -> dict[str, Count]:
    """What counts a loop's passes: those whose last step ended well, and those with a step that ended them."""
    inside, last = Q(path__startswith=f"{path}["), step.steps[-1]
    well = [StepRun.State.SUCCEEDED, StepRun.State.SKIPPED]
    if last.continue_on_error:
        well.append(StepRun.State.FAILED)
    ending = reduce(
        or_, (Q(path__endswith=f"].{one.id}") for one in step.steps if not one.continue_on_error), Q(pk=None)
    )
    return {
        f"done_{number}": Count("pk", filter=inside & Q(path__endswith=f"].{last.id}", state__in=well)),
        f"failed_{number}": Count("pk", filter=inside & ending & Q(state=StepRun.State.FAILED)),
    }
