"""What every command starts from: the server, the login, the output; and the options that all commands share."""

import functools
import inspect
import os
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Concatenate, ParamSpec

import typer

from levqor_cli.auth import StaticToken, StoredLogin
from levqor_cli.client import ApiClient, TokenSource
from levqor_cli.credentials import CredentialStore, default_path
from levqor_cli.errors import CliError
from levqor_cli.exit_codes import ExitCode
from levqor_cli.output import Output
from levqor_cli.server_url import DEFAULT_URL, normalise
from levqor_cli.usage import Command, reflowed

GLOBAL_PANEL = "Options of every command"

UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        help="Server to talk to. Without it: LEVQOR_URL, or the server you logged in to last.",
        rich_help_panel=GLOBAL_PANEL,
    ),
]
JsonOption = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON document; errors too, on stderr.", rich_help_panel=GLOBAL_PANEL),
]
QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print only results and errors.", rich_help_panel=GLOBAL_PANEL)
]


P = ParamSpec("P")


@dataclass
class GlobalOptions:
    """The shared options as given before the command's name."""

    url: str | None = None
    json_mode: bool = False
    quiet: bool = False


@dataclass
class Session:
    """One invocation of the command."""

    output: Output
    requested_url: str | None
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @functools.cached_property
    def store(self) -> CredentialStore:
        """The logins on this machine."""
        return CredentialStore(default_path(self.environment))

    @functools.cached_property
    def url(self) -> str:
        """The server: `--url`, `LEVQOR_URL`, the last login, or this machine."""
        asked = self.requested_url or self.environment.get("LEVQOR_URL", "").strip()
        return normalise(asked or self.store.read().default_url or DEFAULT_URL)

    @property
    def token_from_environment(self) -> str:
        """`LEVQOR_TOKEN`, which goes before any stored login."""
        return self.environment.get("LEVQOR_TOKEN", "").strip()

    @property
    def tokens(self) -> TokenSource:
        """Where the user's access token comes from."""
        token = self.token_from_environment
        return StaticToken(token) if token else StoredLogin(self.store, self.url)

    def client(self) -> ApiClient:
        """A client that carries the user's login."""
        return ApiClient(self.url, self.tokens)

    def anonymous_client(self) -> ApiClient:
        """A client for the calls that come before a login."""
        return ApiClient(self.url, None)

    def page(self, path: str) -> str:
        """The address of a page of the web application."""
        return f"{self.url}{path}"


def add_command(
    app: typer.Typer, function: Callable[Concatenate[Session, P], ExitCode | None], name: str, **settings: Any
) -> None:
    """Register `function(session, ...)` as a command that also takes `--url`, `--json` and `--quiet`.

    Typer reads a command's options from the signature, so the wrapper is given the function's own parameters plus
    the shared ones. The wrapper is also the fence: every error leaves as one line and an exit code.
    """

    @functools.wraps(function)
    def command(ctx: typer.Context, url: str | None, json_output: bool, quiet: bool, **arguments: Any) -> None:
        given = ctx.find_object(GlobalOptions) or GlobalOptions()
        output = Output(json_mode=json_output or given.json_mode, quiet=quiet or given.quiet)
        session = Session(output, requested_url=url or given.url)
        code = _guarded(output, functools.partial(function, session, **arguments))
        raise typer.Exit(int(code))

    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    shared = [
        inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context),
        *(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own),
        inspect.Parameter("url", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=UrlOption),
        inspect.Parameter("json_output", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=JsonOption),
        inspect.Parameter("quiet", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=QuietOption),
    ]
    del command.__wrapped__  # else inspect would show the bare function
    command.__signature__ = inspect.Signature(shared)  # type: ignore[attr-defined]  # inspect.signature reads it
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in shared}
    app.command(name, cls=Command, help=reflowed(function.__doc__), **settings)(command)


def _guarded(output: Output, run: Callable[[], ExitCode | None]) -> ExitCode:
    try:
        return run() or ExitCode.OK
    except CliError as error:
        output.error(error)
        return error.exit_code
    except KeyboardInterrupt:
        output.note("Interrupted.")
        return ExitCode.INTERRUPTED
    except (typer.Exit, BrokenPipeError):
        raise
    except Exception as error:  # noqa: BLE001 - the last fence: a fault becomes one line, never a traceback
        if os.environ.get("LEVQOR_DEBUG"):
            traceback.print_exc()
        output.error(
            CliError(
                f"Unexpected fault in levqor: {type(error).__name__}: {error}",
                ExitCode.INTERNAL,
                hint="Set LEVQOR_DEBUG=1 to see where.",
            )
        )
        return ExitCode.INTERNAL
