"""Show a run while it goes on: redrawn on a terminal, line by line elsewhere."""

from collections.abc import Callable

from rich.console import RenderableType
from rich.live import Live

from levqor_cli import clock
from levqor_cli.client import ApiClient
from levqor_cli.follow import Snapshot, follow
from levqor_cli.output import Output
from levqor_cli.text import duration, one_line
from levqor_cli.timeline import picture, step_note
from levqor_cli.wire import Step

PLAIN_WIDTH = 28


def watch(
    client: ApiClient, output: Output, run_id: str, *, timeout: float | None = None, stop_at_approval: bool = False
) -> Snapshot:
    """Show the run until it has ended, `timeout` seconds passed or an approval is due; return its last state."""
    deadline = None if timeout is None else clock.monotonic() + timeout
    if output.json_mode or output.quiet:
        return _consume(client, run_id, deadline, stop_at_approval, lambda snapshot: None)
    if not output.interactive:
        return _consume(client, run_id, deadline, stop_at_approval, PlainLog(output))
    board = _Board(output)
    try:
        with Live(get_renderable=board.draw, console=output.out, refresh_per_second=10, transient=True):
            return _consume(client, run_id, deadline, stop_at_approval, board)
    finally:  # also after Ctrl-C or a fault: what was seen last stays on the screen
        if board.latest:
            output.show(picture(board.latest, unicode=output.unicode))


class _Board:
    """The latest snapshot, drawn anew by rich's refresh thread."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self.latest: Snapshot | None = None

    def __call__(self, snapshot: Snapshot) -> None:
        self.latest = snapshot

    def draw(self) -> RenderableType:
        """The picture with spinners and counting times."""
        return (
            picture(self.latest, unicode=self._output.unicode, moving=True, height=self._output.out.height)
            if self.latest
            else ""
        )


def _consume(
    client: ApiClient,
    run_id: str,
    deadline: float | None,
    stop_at_approval: bool,
    show: Callable[[Snapshot], None],
) -> Snapshot:
    last: Snapshot | None = None
    for snapshot in follow(client, run_id, deadline=deadline):
        show(snapshot)
        last = snapshot
        if stop_at_approval and snapshot.approvals:
            break
    if last is None:
        raise RuntimeError("a followed run yields at least one snapshot")
    return last


class PlainLog:
    """Append-only lines, one per change: for pipes, logs and continuous integration."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._seen: dict[str, tuple[str, int]] = {}
        self._run_state = ""
        self._in_trouble = False

    def __call__(self, snapshot: Snapshot) -> None:
        """Write what changed since the snapshot before."""
        run = snapshot.run
        if not self._run_state:
            version = f" v{run.version}" if run.version is not None else ""
            self._line(run.id, f"{run.workflow_name}{version}")
        if bool(snapshot.trouble) != self._in_trouble:
            self._in_trouble = bool(snapshot.trouble)
            self._line("connection", f"lost: {snapshot.trouble}" if self._in_trouble else "back")
        for step in snapshot.steps:
            mark = (step.state, step.attempt)
            if step.state != "pending" and self._seen.get(step.id) != mark:
                self._seen[step.id] = mark
                self._line(step.path or step.label, self._step_words(step))
        if run.state != self._run_state:
            self._run_state = run.state
            took = f" in {duration(run.duration_ms)}" if run.finished and run.duration_ms is not None else ""
            self._line("run", run.state + took)

    @staticmethod
    def _step_words(step: Step) -> str:
        took = f" in {duration(step.duration_ms)}" if step.finished and step.duration_ms is not None else ""
        note = step_note(step).plain
        if note.startswith(step.state):
            return note
        return step.state + took + (f": {note}" if note else "")

    def _line(self, subject: str, words: str) -> None:
        self._output.raw(f"{clock.now():%H:%M:%S}Z  {one_line(subject, 60):<{PLAIN_WIDTH}}  {one_line(words, 400)}\n")
        self._output.out.file.flush()
