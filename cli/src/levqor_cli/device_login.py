"""Device login (RFC 8628): the terminal shows a code, the person approves it in a browser."""

import os
import sys
import webbrowser
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from levqor_cli import clock
from levqor_cli.client import ApiClient
from levqor_cli.errors import CliError, UnreachableError
from levqor_cli.exit_codes import ExitCode

DEFAULT_INTERVAL = 5.0
SLOW_DOWN_STEP = 5.0


@dataclass(frozen=True)
class DeviceCode:
    """What the server hands out at the start. Times in seconds."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: float
    interval: float


def start(client: ApiClient, client_name: str) -> DeviceCode:
    """Ask for a code."""
    document = client.post_plain("/auth/device", {"client_name": client_name}, repeat=True)
    address = _web_address(document["verification_uri"])
    return DeviceCode(
        device_code=str(document["device_code"]),
        user_code=str(document["user_code"]),
        verification_uri=address,
        verification_uri_complete=_web_address(document.get("verification_uri_complete") or address),
        expires_in=float(document.get("expires_in") or 600),
        interval=float(document.get("interval") or DEFAULT_INTERVAL),
    )


def wait_for_tokens(client: ApiClient, code: DeviceCode) -> dict[str, Any]:
    """Poll until the person has decided; returns the server's token document.

    Keeps the interval, slows down when told to and when the server is away; raises `CliError` when the
    code was refused or has expired.
    """
    deadline = clock.monotonic() + code.expires_in
    interval = code.interval
    while clock.monotonic() + interval <= deadline:
        clock.sleep(interval)
        try:
            document = client.post_plain("/auth/device/token", {"device_code": code.device_code})
        except UnreachableError:
            interval = min(interval * 2, 60.0)
            continue
        except CliError as error:
            if error.code == "authorization_pending":
                continue
            if error.code == "slow_down" or error.status == 429:
                interval += SLOW_DOWN_STEP
                continue
            if error.code == "access_denied":
                raise CliError("The login was refused in the browser.", ExitCode.REFUSED, code=error.code) from error
            if error.code == "expired_token":
                break
            if error.exit_code is ExitCode.UNREACHABLE:
                interval = min(interval * 2, 60.0)
                continue
            raise
        if isinstance(document, dict) and "access" in document:
            return document
    raise CliError(
        "The code has expired before it was approved.",
        ExitCode.REFUSED,
        code="expired_token",
        hint="Get a new one with: levqor login",
    )


def can_open_browser(environment: Mapping[str, str]) -> bool:
    """Whether a browser would open beside this terminal rather than inside it or on another machine."""
    if environment.get("SSH_CONNECTION") or environment.get("SSH_TTY"):
        return False
    if sys.platform == "darwin" or os.name == "nt":
        return True
    return any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME", "BROWSER"))


def open_browser(address: str) -> bool:
    """Open `address`; whether that worked."""
    try:
        return webbrowser.open(_web_address(address))
    except webbrowser.Error:
        return False


def _web_address(value: Any) -> str:
    text = str(value)
    if urlsplit(text).scheme not in {"http", "https"}:
        raise CliError(f"The server gave {text!r} as the page to open; that is no web address.", ExitCode.UNREACHABLE)
    return text
