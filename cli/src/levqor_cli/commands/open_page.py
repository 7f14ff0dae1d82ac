"""`levqor open RUN|WORKFLOW`: the page in the browser."""

from typing import Annotated

import typer

from levqor_cli import device_login
from levqor_cli.definitions import Reference
from levqor_cli.session import Session, add_command


def open_page(
    session: Session,
    target: Annotated[str, typer.Argument(metavar="RUN|WORKFLOW", help="run_…, wf_… or a workflow's slug.")],
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
) -> None:
    """Open the page of a run or a workflow in the browser."""
    name = Reference.parse(target).workflow
    if name.startswith("wf_"):  # pages are named by slug
        with session.client() as client:
            name = str(client.get(f"/workflows/{name}")["slug"])
    address = session.page(f"/runs/{name}" if name.startswith("run_") else f"/workflows/{name}")
    if session.output.json_mode:
        session.output.emit({"url": address})
        return
    if no_browser or not device_login.can_open_browser(session.environment) or not device_login.open_browser(address):
        session.output.raw(f"{address}\n")
        return
    session.output.note(f"Opened {address}", mark="ok")


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    add_command(app, open_page, "open")
