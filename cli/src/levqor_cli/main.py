"""The `levqor` command: puts the commands together."""

from typing import Annotated

import typer

from levqor_cli import __version__
from levqor_cli.commands import account, open_page, run, runs, secrets, workflow
from levqor_cli.exit_codes import ExitCode
from levqor_cli.session import GlobalOptions, JsonOption, QuietOption, UrlOption
from levqor_cli.usage import Group, RootGroup

EXIT_CODES_HELP = "[bold]Exit codes[/bold]\n" + "\n".join(
    f"[cyan]{int(code):>5}[/cyan]  {code.meaning}" for code in ExitCode
)
ENVIRONMENT = {
    "LEVQOR_URL": "server to talk to",
    "LEVQOR_TOKEN": "access token to use instead of a login",
    "NO_COLOR": "no colours",
    "LEVQOR_DEBUG": "set to 1 to trace faults of this program",
}
ENVIRONMENT_HELP = "[bold]Environment[/bold]\n" + "\n".join(
    f"  [cyan]{name:<13}[/cyan] {meaning}" for name, meaning in ENVIRONMENT.items()
)

app = typer.Typer(
    name="levqor",
    cls=RootGroup,
    help="Levqor in the terminal: publish workflows, run them and watch every step.",
    epilog=f"{EXIT_CODES_HELP}\n\n{ENVIRONMENT_HELP}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"levqor {__version__}")
        raise typer.Exit


@app.callback()
def shared_options(
    ctx: typer.Context,
    url: UrlOption = None,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave."),
    ] = False,
) -> None:
    """Keep what was given before the command's name for the command."""
    del version
    ctx.obj = GlobalOptions(url=url, json_mode=json_output, quiet=quiet)


def _group(name: str, about: str) -> typer.Typer:
    group = typer.Typer(cls=Group, help=about, no_args_is_help=True)
    app.add_typer(group, name=name)
    return group


account.register(app)
run.register(app)
workflow.register(_group("workflow", "Validate, publish, list, show and compare workflows."))
runs.register(_group("runs", "List, show, watch, cancel and approve runs."))
secrets.register(_group("secrets", "Set, list and delete the organization's secrets."))
open_page.register(app)


def main() -> None:
    """Entry point of the console script."""
    app(prog_name="levqor")
