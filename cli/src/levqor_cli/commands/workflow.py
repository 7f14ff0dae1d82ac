"""`levqor workflow validate|push|list|show|diff`."""

import difflib
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from levqor_cli.client import ApiClient
from levqor_cli.definitions import (
    DefinitionFile,
    Reference,
    check,
    fetch_version,
    looks_like_file,
    newest_version,
    read_definition,
    version_number,
)
from levqor_cli.errors import CliError
from levqor_cli.exit_codes import ExitCode
from levqor_cli.output import Column
from levqor_cli.publishing import publish, target_of
from levqor_cli.session import Session, add_command
from levqor_cli.text import ago, parse_time, printable

FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="A YAML or JSON definition; - reads standard input.")]
WorkflowOption = Annotated[
    str, typer.Option("--workflow", "-w", metavar="SLUG", help="The workflow, when the file's name leads elsewhere.")
]
MessageOption = Annotated[str, typer.Option("--message", "-m", metavar="TEXT", help="What changed, for the history.")]


def validate(session: Session, file: FileArgument) -> ExitCode:
    """Check a definition; errors are printed as FILE:LINE:COLUMN."""
    definition = read_definition(file)
    with session.client() as client:
        valid = check(client, session.output, definition)
    if not valid:
        return ExitCode.INVALID
    if session.output.json_mode:
        session.output.emit({"file": definition.label, "valid": True, "errors": []})
    session.output.note(f"{definition.label} is valid", mark="ok")
    return ExitCode.OK


def push(session: Session, file: FileArgument, workflow: WorkflowOption = "", message: MessageOption = "") -> ExitCode:
    """Create the workflow, or publish a new version of it.

    The workflow is found by the definition's name. Says "unchanged" when the newest version is the same.
    """
    definition = read_definition(file)
    with session.client() as client:
        if not check(client, session.output, definition):
            return ExitCode.INVALID
        published = publish(client, definition, workflow=workflow, message=message)
    if session.output.json_mode:
        session.output.emit(
            {"workflow": published.workflow, "version": published.version, "outcome": published.outcome}
        )
    session.output.note(published.sentence(), mark="ok")
    if published.outcome == "created":
        session.output.note(f"  Run it with: levqor run {published.slug}")
    return ExitCode.OK


def list_workflows(
    session: Session,
    limit: Annotated[int, typer.Option("--limit", "-n", metavar="N", min=1, help="How many at most.")] = 50,
) -> None:
    """List the organization's workflows."""
    output = session.output
    with session.client() as client:
        workflows = list(client.pages("/workflows", params={}, limit=limit))
    if output.json_mode:
        output.emit(workflows)
    elif output.quiet:
        output.raw("".join(f"{workflow['slug']}\n" for workflow in workflows))
    elif not workflows:
        output.note("No workflows yet. Publish one with: levqor workflow push FILE")
    else:
        facts = [(workflow, _version_of(workflow), _changed(workflow)) for workflow in workflows]
        output.table(
            [Column("Workflow"), Column("Name", wrap=True), Column("Version", right=True), Column("Changed")],
            [
                [
                    Text(printable(workflow["slug"]), style="bold"),
                    str(workflow["name"]),
                    version,
                    ago(parse_time(changed)),
                ]
                for workflow, version, changed in facts
            ],
            [[workflow["slug"], workflow["name"], version, changed] for workflow, version, changed in facts],
        )


def show(
    session: Session,
    reference: Annotated[
        str, typer.Argument(metavar="SLUG[@VERSION]", help="The workflow, newest version by default.")
    ],
) -> None:
    """Print the source of a workflow, as it was pushed."""
    with session.client() as client:
        version = _resolve(client, Reference.parse(reference))
    if session.output.json_mode:
        session.output.emit(version)
        return
    source = str(version["source"])
    if session.output.out.is_terminal:
        source = printable(source)
    session.output.raw(source if source.endswith("\n") else source + "\n")


def diff(
    session: Session,
    first: Annotated[str, typer.Argument(metavar="FILE|SLUG[@N]", help="What to compare.")],
    second: Annotated[str, typer.Argument(metavar="SLUG[@M]", help="Compare with this version.")] = "",
) -> None:
    """Show what differs, as a unified diff.

    FILE: from the newest version to the file, which is what a push would change.

    SLUG@N: from version N to the newest. SLUG@N SLUG@M: from N to M.
    """
    if second and looks_like_file(second) and not looks_like_file(first):
        first, second = second, first
    with session.client() as client:
        if looks_like_file(first):
            definition = read_definition(first)
            target = Reference.parse(second) if second else Reference(target_of(definition, ""))
            old, new = _versioned(client, target), definition
        else:
            start = Reference.parse(first)
            end = Reference.parse(second) if second else Reference(start.workflow)
            old, new = _versioned(client, start), _versioned(client, end)
    lines = list(
        difflib.unified_diff(
            old.source.splitlines(), new.source.splitlines(), fromfile=old.label, tofile=new.label, lineterm=""
        )
    )
    if session.output.json_mode:
        session.output.emit({"from": old.label, "to": new.label, "changed": bool(lines), "diff": "\n".join(lines)})
        return
    if not lines:
        session.output.note(f"{old.label} and {new.label} are the same", mark="ok")
    for number, line in enumerate(lines):
        session.output.out.print(Text(printable(line), style=_diff_style(number, line)), soft_wrap=True)


def _diff_style(number: int, line: str) -> str:
    if number < 2:
        return "bold"
    return {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")


def _versioned(client: ApiClient, reference: Reference) -> DefinitionFile:
    version = _resolve(client, reference)
    return DefinitionFile(f"{reference.workflow}@{version_number(version)}", str(version["source"]))


def _resolve(client: ApiClient, reference: Reference) -> dict[str, object]:
    if Path(reference.workflow).suffix:  # a slug has no dot: the user meant a file
        raise CliError(f"No such file: {reference.workflow}.")
    if reference.version is not None:
        return fetch_version(client, reference.workflow, reference.version)
    newest = newest_version(client, reference.workflow)
    if newest is None:
        raise CliError(f"{reference.workflow} has no version yet.", ExitCode.NOT_FOUND)
    return newest


def _version_of(workflow: dict[str, object]) -> str:
    return str(workflow.get("version") or "")


def _changed(workflow: dict[str, object]) -> str:
    return str(workflow.get("updated_at") or workflow.get("created_at") or "")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    add_command(app, validate, "validate")
    add_command(app, push, "push")
    add_command(app, list_workflows, "list")
    add_command(app, show, "show")
    add_command(app, diff, "diff")
