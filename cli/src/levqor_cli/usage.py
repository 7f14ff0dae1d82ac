"""How the command line explains itself: plain help pages, and wrong usage as one line like every other error."""

import functools
import inspect
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from levqor_cli.errors import CliError
from levqor_cli.exit_codes import ExitCode
from levqor_cli.output import Output


def reflowed(docstring: str | None) -> str:
    """Help from a docstring: paragraphs whose lines break where the terminal ends, not where the source did."""
    paragraphs = inspect.cleandoc(docstring or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _without_types(parameters: list[Any]) -> list[Any]:
    """Flags and arguments lose the `<bool>` and `<str>` that say nothing to people."""
    for parameter in parameters:
        if isinstance(parameter, TyperOption) and parameter.is_flag and parameter.metavar is None:
            parameter.metavar = ""
        elif isinstance(parameter, TyperArgument):
            parameter.display_type_rich = lambda ctx: None  # type: ignore[method-assign]
    return parameters


class Command(TyperCommand):
    """A command with a plain help page."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its options and arguments, as its help page shows them."""
        return _without_types(super().get_params(ctx))


class Group(TyperGroup):
    """A group of commands with a plain help page."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its options, as its help page shows them."""
        return _without_types(super().get_params(ctx))


class RootGroup(Group):
    """The whole command; tells of wrong usage as of every other error."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run it and leave the process, with the exit code of the command."""
        given = list(sys.argv[1:] if args is None else args)
        run = functools.partial(super().main, given, prog_name, complete_var, False, windows_expand_args, **extra)
        if not standalone_mode:
            return run()
        try:
            code = run()
        except typer.TyperException as error:
            _tell(error, given)
            sys.exit(ExitCode.USAGE)
        sys.exit(code if isinstance(code, int) else ExitCode.OK)


def _tell(error: typer.TyperException, given: Sequence[str]) -> None:
    message = error.format_message().replace("Value error, ", "").strip()
    if not message:  # a group without a command: its help was printed
        return
    command = getattr(getattr(error, "ctx", None), "command_path", "levqor")
    Output(json_mode="--json" in given).error(
        CliError(message, ExitCode.USAGE, code="usage", hint=f"More with: {command} --help")
    )
