"""The picture of a run: its steps as a tree, with state, duration and what they wait for."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from levqor_cli import clock
from levqor_cli.follow import Snapshot
from levqor_cli.states import style_of, symbol
from levqor_cli.text import duration, one_line, printable, whole_seconds
from levqor_cli.wire import Run, Step

CROWD = 12
"""More siblings than this are summed up instead of listed."""
SHOWN_OF_CROWD = 6
LINES_AROUND_STEPS = 5
GAP = "  "


@dataclass
class _Node:
    step: Step
    children: list["_Node"] = field(default_factory=list)


def picture(
    snapshot: Snapshot, *, unicode: bool = True, moving: bool = False, crowd: int = CROWD, height: int | None = None
) -> RenderableType:
    """Header, steps and state of a run.

    `moving` spins what runs and counts its time; `height` is the number of lines there is room for.
    """
    parts: list[RenderableType] = [header(snapshot.run)]
    asks = moving and bool(snapshot.approvals) and not snapshot.run.finished
    if height is not None and asks:
        height -= 1
    if snapshot.steps:
        parts += [Text(""), _Steps(snapshot.steps, unicode, moving, crowd, height)]
    parts += [Text(""), status_line(snapshot, unicode=unicode, moving=moving)]
    if asks:
        parts.append(Text(f"  approve on its page, or: levqor runs approve {printable(snapshot.run.id)}", style="dim"))
    return Group(*parts)


def header(run: Run) -> Text:
    """Which workflow, which version, which run."""
    version = f" v{run.version}" if run.version is not None else ""
    return Text.assemble(
        (one_line(run.workflow_name, 60), "bold"), (f"{version}  ", "dim"), (printable(run.id), "cyan")
    )


def status_line(snapshot: Snapshot, *, unicode: bool = True, moving: bool = False) -> Text:
    """State, duration, progress, and the connection when it is lost."""
    run = snapshot.run
    state = "Waiting for approval" if snapshot.approvals and not run.finished else run.state.capitalize()
    line = Text.assemble(symbol(run.state, unicode=unicode, moving=moving), " ", (state, style_of(run.state)))
    if run.finished and run.duration_ms is not None:
        line.append(f" in {duration(run.duration_ms)}")
    elif not run.finished and (elapsed := _since(run.started_at)) is not None:
        line.append(f" for {whole_seconds(elapsed)}")
    if run.raw.get("cancel_requested") and not run.finished:
        line.append(" · cancelling", style="magenta")
    if snapshot.trouble:
        line.append(" · connection lost, trying again", style="yellow")
    elif moving:
        line.append(" · Ctrl-C leaves, the run goes on", style="dim")
    return line


def step_note(step: Step) -> Text:
    """What there is to say about a step beside its state: attempts, waiting, failure."""
    if step.state == "failed" and step.error:
        tries = f" (after {step.attempt} attempts)" if step.attempt > 1 else ""
        message = one_line(step.error.message or step.error.code, 200)
        return Text(message.rstrip(".") + tries if tries else message, style="red")
    if step.finished:
        return Text(f"{step.attempt} attempts" if step.attempt > 1 else "", style="dim")
    notes = []
    if step.state == "waiting" or step.due_at:
        notes.append(_waiting(step))
    if step.attempt > 1:
        notes.append(f"attempt {step.attempt}")
    if step.error and step.error.message:
        notes.append(one_line(step.error.message, 120))
    return Text(" · ".join(note for note in notes if note), style="yellow")


def _waiting(step: Step) -> str:
    left = (step.due_at - clock.now()).total_seconds() * 1000 if step.due_at else None
    soon = whole_seconds(max(left, 1000)) if left is not None and left > 0 else ""
    if step.awaits_approval:
        asked = step.raw.get("approval")
        detail = asked if isinstance(asked, dict) else {}
        roles = detail.get("roles")
        who = " or ".join(printable(role) for role in roles) if isinstance(roles, list) and roles else "a person"
        message = f": {one_line(detail['message'], 100)}" if detail.get("message") else ""
        return f"waiting for {who} to approve{message}" + (f" (within {soon})" if soon else "")
    match step.waiting_for:
        case "retry":
            return f"retry in {soon}" if soon else "retry due"
        case "subflow":
            return "waiting for its subflow"
        case _:
            return f"goes on in {soon}" if soon else ""


class _Steps:
    """The steps in columns. A note that has no room beside its step stands below it."""

    def __init__(self, steps: Sequence[Step], unicode: bool, moving: bool, crowd: int, height: int | None) -> None:
        self._names = Counter(step.label for step in steps)
        self._unicode, self._moving, self._height = unicode, moving, height
        self._rows = [
            (depth, entry if isinstance(entry, Text) else self._cells(depth, entry))
            for depth, entry in _rows(_tree(steps), crowd, 0)
        ]

    def _cells(self, depth: int, step: Step) -> tuple[Text, str, str, Text]:
        label = Text.assemble("  " * depth, symbol(step.state, unicode=self._unicode, moving=self._moving), " ")
        label.append(one_line(step.label, 48), style="dim" if step.state in {"pending", "skipped"} else "")
        if self._names[step.label] > 1 and step.path != step.label:
            label.append(f" {one_line(_turn(step.path) or step.path, 40)}", style="dim")
        elapsed = _since(step.started_at) if step.state == "running" else step.duration_ms
        return label, printable(step.type), duration(elapsed), step_note(step)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich asks for this when it prints; only then the width is known."""
        cells = [row for _depth, row in self._rows if not isinstance(row, Text)]
        types = max((cell_len(row[1]) for row in cells), default=0)
        times = max((cell_len(row[2]) for row in cells), default=0)
        room = max(12, options.max_width - types - times - 2 * len(GAP))
        labels = min(room, max((row[0].cell_len for row in cells), default=0))
        beside = options.max_width - labels - types - times - 3 * len(GAP)
        blocks: list[list[Text]] = []
        for depth, row in self._rows:
            if isinstance(row, Text):
                blocks.append([Text.assemble("  " * (depth + 1), row)])
                continue
            label, kind, took, note = row
            label.truncate(labels, overflow="ellipsis", pad=True)
            line = Text.assemble(label, GAP, (f"{kind:<{types}}", "dim"), GAP, f"{took:>{times}}")
            if note.cell_len <= beside:
                blocks.append([Text.assemble(line, GAP, note)])
            else:
                blocks.append([line, *self._below(console, note, "  " * (depth + 1), options.max_width)])
        for block in self._fitting(blocks):
            for line in block:
                line.rstrip()
                yield line

    def _below(self, console: Console, note: Text, indent: str, width: int) -> list[Text]:
        """The note in lines of its own; only one while the picture moves, or it would jump."""
        space = max(12, width - len(indent))
        if self._moving:
            note.truncate(space, overflow="ellipsis")
            return [Text.assemble(indent, note)]
        return [Text.assemble(indent, line) for line in note.wrap(console, space)]

    def _fitting(self, blocks: list[list[Text]]) -> list[list[Text]]:
        """What there is room for: the end, since it tells what happens now."""
        room = None if self._height is None else max(3, self._height - LINES_AROUND_STEPS)
        if room is None or sum(map(len, blocks)) <= room:
            return blocks
        shown, used = 0, 1
        while used + len(blocks[-1 - shown]) <= room:
            used += len(blocks[-1 - shown])
            shown += 1
        shown = max(1, shown)
        return [[Text(f"  {len(blocks) - shown} more above", style="dim")], *blocks[-shown:]]


def _rows(nodes: Sequence[_Node], crowd: int, depth: int) -> Iterator[tuple[int, Step | Text]]:
    crowded = len(nodes) > crowd
    shown = _interesting(nodes) if crowded else nodes
    for node in shown:
        yield depth, node.step
        yield from _rows(node.children, crowd, depth + 1)
    if crowded:
        rest = Counter(node.step.state for node in nodes)
        rest.subtract(node.step.state for node in shown)
        counts = [Text(f"{count} {state}", style_of(state)) for state, count in rest.items() if count]
        yield depth, Text.assemble("and ", Text(", ").join(counts))


def _interesting(nodes: Sequence[_Node]) -> list[_Node]:
    """Of many siblings those one wants to see: failed, then waiting and running."""
    rank = {"failed": 0, "waiting": 1, "running": 2}
    telling = [node for node in nodes if node.step.state in rank]
    return sorted(telling, key=lambda node: rank[node.step.state])[:SHOWN_OF_CROWD]


def _tree(steps: Sequence[Step]) -> list[_Node]:
    """Nest steps by their paths: a step belongs under the longest other path that its own continues."""
    nodes = [_Node(step) for step in steps]
    by_path = {node.step.path: node for node in reversed(nodes)}
    roots: list[_Node] = []
    for node in nodes:
        parent = next((by_path[prefix] for prefix in _prefixes(node.step.path) if prefix in by_path), None)
        (parent.children if parent else roots).append(node)
    return roots


def _prefixes(path: str) -> Iterator[str]:
    for end in range(len(path) - 1, 0, -1):
        if path[end] in "./[":
            yield path[:end]


def _turn(path: str) -> str:
    """Which turn of its loops a step belongs to: `[3]` of `each[3].call`."""
    return "".join(re.findall(r"\[\d+\]", path))


def _since(moment: datetime | None) -> float | None:
    return None if moment is None else max(0.0, (clock.now() - moment).total_seconds() * 1000)
