"""Watching a run from a command: options, leaving with Ctrl-C, the end result and its exit code."""

from typing import Annotated, Any

import typer
from rich.text import Text

from levqor_cli.client import ApiClient
from levqor_cli.errors import CliError
from levqor_cli.exit_codes import RUN_STATE_CODES, ExitCode
from levqor_cli.follow import Snapshot
from levqor_cli.output import Output
from levqor_cli.session import Session
from levqor_cli.text import parse_span, printable
from levqor_cli.watching import watch

TimeoutOption = Annotated[
    str | None,
    typer.Option("--timeout", metavar="TIME", help="Stop watching after this long (90s, 5m, 1h), with exit code 8."),
]
StopAtApprovalOption = Annotated[
    bool | None,
    typer.Option(
        "--stop-at-approval/--wait-for-approval",
        help="What to do when a step waits for approval: stop watching, with exit code 8, or watch on. "
        "On a terminal the default is to watch on, elsewhere to stop.",
        show_default=False,
    ),
]


def watch_and_report(
    session: Session, client: ApiClient, run_id: str, timeout: str | None, stop_at_approval: bool | None
) -> ExitCode:
    """Watch until the end and print the result. The exit code follows the run's state.

    Without a choice, an approval ends the watching where nobody sees that one is due: it may take days.
    """
    output = session.output
    stop = not output.live if stop_at_approval is None else stop_at_approval
    try:
        seconds = parse_span(timeout) if timeout is not None else None
    except ValueError as error:
        raise CliError(f"--timeout: {error}.") from error
    try:
        last = watch(client, output, run_id, timeout=seconds, stop_at_approval=stop)
    except KeyboardInterrupt:
        output.note("\nLeft the run; it goes on.")
        _say_how_to_go_on(output, run_id)
        return ExitCode.INTERRUPTED
    except CliError as error:
        error.hint = error.hint or f"The run goes on. Watch it with: levqor runs watch {run_id}"
        raise
    report(output, last)
    if not last.run.finished:
        _say_how_to_go_on(output, run_id, last)
    return RUN_STATE_CODES.get(last.run.state, ExitCode.UNFINISHED)


def report(output: Output, last: Snapshot) -> None:
    """The result of a run: its error, or its output."""
    if output.json_mode:
        output.emit(as_json(last))
        return
    run = last.run
    if run.error is not None and run.state != "succeeded":
        place = f"{printable(run.error.step)}: " if run.error.step else ""
        code = f" [{printable(run.error.code)}]" if run.error.code else ""
        symbol, style = output.mark("error")
        text = printable(run.error.message or run.state)
        output.err.print(
            Text.assemble((f"{symbol} ", style), f"{place}{text}{code}"), soft_wrap=not output.err.is_terminal
        )
    if run.finished and run.raw.get("output") is not None:
        if not output.quiet and output.out.is_terminal:
            output.show(Text("\nOutput", style="bold"))
        output.value(run.raw["output"])


def as_json(last: Snapshot) -> dict[str, Any]:
    """The run document with its steps."""
    return {**last.run.raw, "steps": [step.raw for step in last.steps]}


def say_how_to_decide(output: Output, last: Snapshot) -> None:
    """The commands that answer the run's open approvals; the step is named where several wait."""
    waiting = () if last.run.finished else last.approvals
    for step in waiting:
        which = f"{last.run.id} {step.id}" if len(waiting) > 1 else last.run.id
        output.note(f"  Approve: levqor runs approve {which}", whole=True)
        output.note(f"  Reject:  levqor runs reject {which}", whole=True)


def _say_how_to_go_on(output: Output, run_id: str, last: Snapshot | None = None) -> None:
    if last:
        say_how_to_decide(output, last)
    output.note(f"  Watch:   levqor runs watch {run_id}", whole=True)
    output.note(f"  Cancel:  levqor runs cancel {run_id}", whole=True)
