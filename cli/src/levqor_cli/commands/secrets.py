"""`levqor secrets list|set|delete`. Values go in and never come out."""

import getpass
import re
import sys
from typing import Annotated

import typer
from rich.text import Text

from levqor_cli.errors import CliError
from levqor_cli.exit_codes import ExitCode
from levqor_cli.output import Column
from levqor_cli.session import Session, add_command
from levqor_cli.text import ago, parse_time, printable

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="As in {{ secrets.NAME }}.")]


def list_secrets(session: Session) -> None:
    """List the names of the organization's secrets; values are never shown."""
    output = session.output
    with session.client() as client:
        secrets = list(client.pages("/secrets", params={}, limit=10_000))
    if output.json_mode:
        output.emit(secrets)
    elif output.quiet:
        output.raw("".join(f"{secret['name']}\n" for secret in secrets))
    elif not secrets:
        output.note("No secrets yet. Add one with: levqor secrets set NAME")
    else:
        changed = [str(secret.get("updated_at") or secret.get("created_at") or "") for secret in secrets]
        output.table(
            [Column("Secret"), Column("Changed")],
            [
                [Text(printable(secret["name"]), style="bold"), ago(parse_time(moment))]
                for secret, moment in zip(secrets, changed, strict=True)
            ],
            [[str(secret["name"]), moment] for secret, moment in zip(secrets, changed, strict=True)],
        )


def set_secret(session: Session, name: NameArgument) -> None:
    """Set a secret. The value is asked for, or read from standard input.

    It is never taken from the command line, where the shell's history and other users could read it.

    One line break at the end of standard input is dropped: printf %s "$TOKEN" | levqor secrets set API_TOKEN
    """
    _check(name)
    value = _read_value(name)
    with session.client() as client:
        client.put(f"/secrets/{name}", {"value": value})
    if session.output.json_mode:
        session.output.emit({"name": name, "set": True})
    session.output.note(f"Set secret {name}", mark="ok")


def delete_secret(
    session: Session,
    name: NameArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> ExitCode:
    """Delete a secret. Workflows that use it fail from then on."""
    _check(name)
    if not yes:
        if not sys.stdin.isatty():
            raise CliError(f"Deleting {name} needs your word.", hint="Add --yes.")
        session.output.err.print(f"Delete secret {name}? Workflows that use it will fail. [y/N] ", end="")
        if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
            session.output.note("Nothing deleted.")
            return ExitCode.INTERRUPTED
    with session.client() as client:
        client.delete(f"/secrets/{name}")
    if session.output.json_mode:
        session.output.emit({"name": name, "deleted": True})
    session.output.note(f"Deleted secret {name}", mark="ok")
    return ExitCode.OK


def _check(name: str) -> None:
    if NAME.fullmatch(name) is None:
        raise CliError(
            f"{name!r} is no secret's name.",
            hint="Use letters, digits and underscores, e.g. API_TOKEN. The value is asked for afterwards.",
        )


def _read_value(name: str) -> str:
    if sys.stdin.isatty():
        try:
            value = getpass.getpass(f"Value of {name} (not shown): ")
        except EOFError as error:
            raise CliError("No value given; nothing was changed.") from error
    else:
        value = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    if not value:
        raise CliError("The value is empty; nothing was changed.")
    return value


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    add_command(app, list_secrets, "list")
    add_command(app, set_secret, "set")
    add_command(app, delete_secret, "delete")
