"""`levqor runs list|show|watch|cancel|approve|reject`."""

from datetime import UTC
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.text import Text

from levqor_cli.client import ApiClient
from levqor_cli.errors import CliError
from levqor_cli.exit_codes import ExitCode
from levqor_cli.follow import load
from levqor_cli.output import Column
from levqor_cli.run_view import (
    StopAtApprovalOption,
    TimeoutOption,
    as_json,
    report,
    say_how_to_decide,
    watch_and_report,
)
from levqor_cli.session import Session, add_command
from levqor_cli.states import state_text
from levqor_cli.text import ago, duration, parse_time, printable
from levqor_cli.timeline import picture, step_note
from levqor_cli.wire import Run, Step

EVERY_STEP = 10_000

TRIGGERS = {
    "manual": "by hand",
    "api": "API",
    "cron": "schedule",
    "webhook": "webhook",
    "subflow": "another workflow",
    "failure": "a failed run",
}

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="The run's id, run_…")]
StepArgument = Annotated[
    str, typer.Argument(metavar="STEP", help="The step's id, path or name; needed when several wait.")
]
CommentOption = Annotated[str, typer.Option("--comment", "-c", metavar="TEXT", help="Kept with the decision.")]


class RunState(StrEnum):
    """States a list can be narrowed to."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


def list_runs(
    session: Session,
    workflow: Annotated[str, typer.Option("--workflow", "-w", metavar="SLUG", help="Only of this workflow.")] = "",
    state: Annotated[RunState | None, typer.Option("--state", "-s", help="Only in this state.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", metavar="N", min=1, help="How many at most.")] = 20,
) -> None:
    """List runs, newest first."""
    output = session.output
    params = {"workflow": workflow, "state": state.value if state else ""}
    with session.client() as client:
        documents = list(
            client.pages("/runs", params={name: value for name, value in params.items() if value}, limit=limit)
        )
    if output.json_mode:
        output.emit(documents)
        return
    runs = [Run.parse(document) for document in documents]
    if output.quiet:
        output.raw("".join(f"{run.id}\n" for run in runs))
    elif not runs:
        output.note("No runs here yet. Start one with: levqor run FILE|WORKFLOW")
    else:
        output.table(
            [
                Column("Run", whole=True),
                Column("Workflow"),
                Column("State", whole=True),
                Column("Trigger", spare=2),
                Column("Created", spare=1),
                Column("Duration", right=True, spare=3),
            ],
            [
                [
                    Text(run.id, style="cyan"),
                    run.workflow_slug or run.workflow_name,
                    state_text(run.state, unicode=output.unicode),
                    run.trigger,
                    ago(run.created_at),
                    duration(run.duration_ms),
                ]
                for run in runs
            ],
            [
                [
                    run.id,
                    run.workflow_slug or run.workflow_name,
                    run.state,
                    run.trigger,
                    str(run.raw.get("created_at") or ""),
                    str(run.raw.get("duration_ms") or ""),
                ]
                for run in runs
            ],
        )


def show(
    session: Session,
    run_id: RunArgument,
    step: Annotated[
        str, typer.Option("--step", metavar="STEP", help="One step in full: input, output, attempts.")
    ] = "",
) -> None:
    """Show a run: its steps, inputs, output or error."""
    output = session.output
    with session.client() as client:
        snapshot = load(client, run_id)
        found = _find_step(snapshot.steps, step) if step else None
        whole = Step.parse(client.get(f"/runs/{run_id}/steps/{found.id}")) if found else None
    if whole:
        _show_step(session, whole)
    elif output.json_mode:
        output.emit(as_json(snapshot))
    else:
        output.show(picture(snapshot, unicode=output.unicode, crowd=EVERY_STEP))
        output.show("")
        output.facts(_origin(snapshot.run))
        brought = {name: value for name, value in _trigger_data(snapshot.run).items() if name != "scheduled_for"}
        for heading, value in (("What the trigger brought", brought), ("Inputs", snapshot.run.raw.get("inputs"))):
            if value:
                output.show(Text(f"\n{heading}", style="bold"))
                output.value(value)
        report(output, snapshot)
        if snapshot.approvals:
            output.note("")
            say_how_to_decide(output, snapshot)


def _trigger_data(run: Run) -> dict[str, Any]:
    brought = run.raw.get("trigger_data")
    return brought if isinstance(brought, dict) else {}


def _origin(run: Run) -> list[tuple[str, str | Text]]:
    """What started the run, and when."""
    slot = parse_time(_trigger_data(run).get("scheduled_for"))
    kind = TRIGGERS.get(run.trigger, run.trigger)
    return [
        ("Trigger", f"{kind}, for {slot.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z" if slot else kind),
        (
            "Created",
            f"{run.created_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z ({ago(run.created_at)})" if run.created_at else "",
        ),
    ]


def watch(
    session: Session,
    run_id: RunArgument,
    timeout: TimeoutOption = None,
    stop_at_approval: StopAtApprovalOption = None,
) -> ExitCode:
    """Watch a run to its end; the exit code tells how it ended.

    Where a step waits for approval, watching goes on at a terminal and ends with 8 elsewhere.
    """
    with session.client() as client:
        return watch_and_report(session, client, run_id, timeout, stop_at_approval)


def cancel(session: Session, run_id: RunArgument) -> None:
    """Cancel a run. Steps that are under way finish; no further one starts."""
    with session.client() as client:
        document = client.post_plain(f"/runs/{run_id}/cancel", {}, repeat=True)
    if session.output.json_mode:
        session.output.emit(document)
    shown = Text(printable(run_id), style="cyan")
    if document["state"] == "cancelled":
        session.output.note("Cancelled ", shown, mark="ok")
    else:
        session.output.note("Cancelling ", shown, ": it stops before its next step", mark="ok")


def approve(session: Session, run_id: RunArgument, step: StepArgument = "", comment: CommentOption = "") -> None:
    """Approve the step that waits for it."""
    _decide(session, run_id, step, comment, "approve")


def reject(session: Session, run_id: RunArgument, step: StepArgument = "", comment: CommentOption = "") -> None:
    """Reject the step that waits for approval."""
    _decide(session, run_id, step, comment, "reject")


def _decide(session: Session, run_id: str, step: str, comment: str, decision: str) -> None:
    with session.client() as client:
        chosen = _awaited_step(client, run_id, step)
        document = client.post_plain(
            f"/runs/{run_id}/steps/{chosen.id}/approve", {"decision": decision, "comment": comment}
        )
    if session.output.json_mode:
        session.output.emit(document)
    done = "Approved" if decision == "approve" else "Rejected"
    session.output.note(f"{done} {chosen.label} of ", Text(printable(run_id), style="cyan"), mark="ok")


def _awaited_step(client: ApiClient, run_id: str, wanted: str) -> Step:
    snapshot = load(client, run_id)
    if wanted:
        return _find_step(snapshot.steps, wanted)
    waiting = snapshot.approvals
    if not waiting:
        raise CliError(f"No step of {run_id} waits for approval; the run is {snapshot.run.state}.", ExitCode.CONFLICT)
    if len(waiting) > 1:
        raise CliError(
            f"{len(waiting)} steps of {run_id} wait for approval: say which.",
            details=[f"{step.id}  {step.label}" for step in waiting],
        )
    return waiting[0]


def _find_step(steps: tuple[Step, ...], wanted: str) -> Step:
    for name in ("id", "path", "name"):
        matches = [step for step in steps if getattr(step, name) == wanted]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise CliError(
                f"{len(matches)} steps are called {wanted!r}: say which by id.",
                details=[f"{step.id}  {step.path}" for step in matches[:20]],
            )
    raise CliError(f"The run has no step {wanted!r}.", ExitCode.NOT_FOUND)


def _show_step(session: Session, step: Step) -> None:
    output = session.output
    if output.json_mode:
        output.emit(step.raw)
        return
    output.facts(
        [
            ("Step", Text(printable(step.label), style="bold")),
            ("Id", step.id),
            ("Path", step.path),
            ("Type", step.type),
            ("State", state_text(step.state, unicode=output.unicode)),
            ("Duration", duration(step.duration_ms)),
            ("Attempts", str(step.attempt) if step.attempt > 1 else ""),
            ("Note", step_note(step)),
        ]
    )
    for heading, member in (("Input", "input"), ("Output", "output"), ("Error", "error"), ("Attempts", "attempts")):
        if step.raw.get(member):
            output.show(Text(f"\n{heading}", style="bold"))
            output.value(step.raw[member])


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    add_command(app, list_runs, "list")
    add_command(app, show, "show")
    add_command(app, watch, "watch")
    add_command(app, cancel, "cancel")
    add_command(app, approve, "approve")
    add_command(app, reject, "reject")
