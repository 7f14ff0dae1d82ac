"""`levqor run FILE|WORKFLOW`: publish if need be, start, watch."""

from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.text import Text

from levqor_cli.client import ApiClient
from levqor_cli.definitions import Reference, check, looks_like_file, read_definition
from levqor_cli.errors import CliError
from levqor_cli.exit_codes import ExitCode
from levqor_cli.inputs import gather_inputs
from levqor_cli.publishing import publish
from levqor_cli.run_view import StopAtApprovalOption, TimeoutOption, watch_and_report
from levqor_cli.session import Session, add_command
from levqor_cli.wire import Run


class Priority(StrEnum):
    """How soon a run gets a worker when there are more runs than workers."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


def run(
    session: Session,
    target: Annotated[
        str,
        typer.Argument(
            metavar="FILE|WORKFLOW", help="A definition (validated and published first), or SLUG\\[@VERSION]."
        ),
    ],
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", "-i", metavar="NAME=TEXT", help="An input as text, or NAME:=JSON. Repeatable."),
    ] = None,
    inputs_file: Annotated[
        str | None, typer.Option("--inputs-file", "-f", metavar="FILE", help="Inputs from JSON or YAML; - is stdin.")
    ] = None,
    priority: Annotated[Priority | None, typer.Option("--priority", help="Instead of the workflow's own.")] = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Start, print the run's id and leave.")] = False,
    timeout: TimeoutOption = None,
    stop_at_approval: StopAtApprovalOption = None,
) -> ExitCode:
    """Run a workflow and watch its steps.

    The exit code tells how the run ended: 0 succeeded, 1 failed, 7 cancelled. Where a step waits
    for approval, watching goes on at a terminal and ends with 8 elsewhere. Ctrl-C only leaves: the run goes on.
    """
    output = session.output
    if target == "-" and inputs_file == "-":
        raise CliError("Definition and inputs cannot both come from standard input.")
    values = gather_inputs(inputs or [], inputs_file)
    with session.client() as client:
        if looks_like_file(target):
            definition = read_definition(target)
            if not check(client, output, definition):
                return ExitCode.INVALID
            published = publish(client, definition)
            output.note(published.sentence(), mark="ok")
            output.note("")
            reference = Reference(published.slug, published.version)
        else:
            reference = Reference.parse(target)
        document = _start(client, reference, values, priority)
        started = Run.parse(document)
        if not detach:
            return watch_and_report(session, client, started.id, timeout, stop_at_approval)
    if output.json_mode:
        output.emit(document)
    elif output.quiet or not output.out.is_terminal:
        output.raw(f"{started.id}\n")
        output.note(f"Watch it with: levqor runs watch {started.id}")
    else:
        output.note("Started ", Text(started.id, style="cyan"), mark="ok")
        output.note(f"  Watch it with: levqor runs watch {started.id}")
    return ExitCode.OK


def _start(
    client: ApiClient, reference: Reference, inputs: dict[str, Any], priority: Priority | None
) -> dict[str, Any]:
    body: dict[str, Any] = {"inputs": inputs}
    if reference.version is not None:
        body["version"] = reference.version
    if priority is not None:
        body["priority"] = priority.value
    try:
        document: dict[str, Any] = client.post(f"/workflows/{reference.workflow}/runs", body)
    except CliError as error:
        if error.status == 422 and any(isinstance(value, str) for value in inputs.values()):
            error.hint = error.hint or "NAME=… gives text; write NAME:=5, NAME:=true or NAME:='[1]' for other values."
        raise
    return document


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    add_command(app, run, "run")
