"""`levqor login`, `logout`, `whoami` and `token`."""

import platform
from typing import Annotated, Any

import typer
from rich.text import Text

from levqor_cli import device_login
from levqor_cli.auth import StaticToken, login_from, revoke
from levqor_cli.client import ApiClient
from levqor_cli.credentials import Login
from levqor_cli.errors import CliError, NotLoggedInError
from levqor_cli.exit_codes import ExitCode
from levqor_cli.output import Output
from levqor_cli.session import Session, add_command
from levqor_cli.text import printable


def login(
    session: Session,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address; open nothing.")] = False,
) -> None:
    """Log in by approving this terminal in your browser.

    Prints a one-time code and a web address. Open the address on any device, check that it shows the same code
    and approve. Two-factor login and single sign-on work as they do on the web.
    """
    output = session.output
    if session.token_from_environment:
        output.warn("LEVQOR_TOKEN is set and goes before the login you are making now.")
    with session.anonymous_client() as client:
        code = device_login.start(client, f"levqor on {platform.node() or 'a terminal'}"[:80])
        _show_code(output, code)
        if not no_browser and device_login.can_open_browser(session.environment):
            opened = device_login.open_browser(code.verification_uri_complete)
            output.note("Opened your browser." if opened else "Could not open a browser; use the address above.")
        tokens = _wait(output, client, code)
    fresh = _with_identity(session.url, login_from(tokens))
    with session.store.locked() as book:
        previous = book.logins.get(session.url)
        book.logins[session.url] = fresh
        book.default_url = session.url
        book.save()
    if previous is not None:
        _end_quietly(session.url, previous)
    if output.json_mode:
        output.emit({"url": session.url, "email": fresh.email, "organization": fresh.organization})
    who = Text.assemble(" as ", (printable(fresh.email), "bold")) if fresh.email else Text("")
    where = f" ({fresh.organization})" if fresh.organization else ""
    output.note(f"Logged in to {session.url}", who, where, mark="ok")


def logout(session: Session) -> ExitCode:
    """End the login on this machine, here and at the server."""
    output, url = session.output, session.url
    with session.store.locked() as book:
        current = book.logins.pop(url, None)
        if current is None:
            raise NotLoggedInError(f"You are not logged in to {url}.", url)
        refusal: CliError | None = None
        try:
            revoke(url, current)
        except CliError as error:
            refusal = error if error.exit_code is ExitCode.UNREACHABLE else None  # else it had ended already
        if book.default_url == url:
            book.default_url = next(iter(book.logins), "")
        book.save()
    if refusal is not None:
        raise CliError(
            f"Removed the login from this machine, but {url} could not be told: {refusal.message}",
            ExitCode.UNREACHABLE,
            hint="End it on the web page with your sessions.",
        )
    if output.json_mode:
        output.emit({"url": url, "logged_out": True})
    output.note(f"Logged out of {url}", mark="ok")
    return ExitCode.OK


def whoami(session: Session) -> None:
    """Show who you are, in which organization, at which server."""
    output = session.output
    with session.client() as client:
        me = client.get("/me")
    if output.json_mode:
        output.emit({**me, "url": session.url})
        return
    email, organization = _identity(me)
    if output.quiet:
        output.raw(f"{printable(email)}\n")
        return
    output.facts(
        [
            ("User", Text(printable(email), style="bold")),
            ("Organization", organization),
            ("Role", str(me.get("role") or "")),
            ("Server", session.url),
            ("Login", "LEVQOR_TOKEN" if session.token_from_environment else str(session.store.path)),
        ]
    )


def token(session: Session) -> None:
    """Print an access token that is good for some minutes, for use with curl and other programs."""
    output = session.output
    access = session.tokens.access_token()
    if output.json_mode:
        output.emit({"url": session.url, "access": access})
        return
    output.raw(f"{access}\n")


def _show_code(output: Output, code: device_login.DeviceCode) -> None:
    """Always shown, on standard error: without it nobody can log in."""
    output.err.print(Text.assemble("\nYour one-time code:  ", (printable(code.user_code), "bold cyan")))
    output.err.print(
        Text.assemble("Approve it at:       ", (printable(code.verification_uri), "underline"), "\n"), soft_wrap=True
    )


def _wait(output: Output, client: ApiClient, code: device_login.DeviceCode) -> dict[str, Any]:
    if not output.err.is_terminal or output.quiet:
        return device_login.wait_for_tokens(client, code)
    with output.err.status(Text("Waiting for your approval (Ctrl-C gives up)", style="dim")):
        return device_login.wait_for_tokens(client, code)


def _with_identity(url: str, fresh: Login) -> Login:
    """The login with the names of its owner, where the server tells them."""
    try:
        with ApiClient(url, StaticToken(fresh.access)) as client:
            email, organization = _identity(client.get("/me"))
    except CliError:
        return fresh  # the login is good without a name
    return Login(fresh.access, fresh.refresh, fresh.expires_at, email, organization)


def _identity(me: dict[str, Any]) -> tuple[str, str]:
    user, organization = me.get("user") or {}, me.get("organization") or {}
    return str(user.get("email") or ""), str(organization.get("name") or organization.get("slug") or "")


def _end_quietly(url: str, previous: Login) -> None:
    try:
        revoke(url, previous)
    except CliError:
        return  # it ends by itself; the new login is what counts


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    add_command(app, login, "login")
    add_command(app, logout, "logout")
    add_command(app, whoami, "whoami")
    add_command(app, token, "token")
