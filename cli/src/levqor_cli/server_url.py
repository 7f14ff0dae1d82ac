"""Which server we talk to, and whether it is safe to send it a credential."""

import ipaddress
from urllib.parse import urlsplit

from levqor_cli.errors import CliError

DEFAULT_URL = "http://127.0.0.1:8000"


def is_loopback(host: str) -> bool:
    """Whether `host` can only be this machine. `*.localhost` is left out: a resolver may send it elsewhere."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def normalise(url: str) -> str:
    """Return `scheme://host[:port][/path]` in one spelling, as logins are stored under it.

    Raises `CliError` for what is no http address, and for plain http to another machine: every call
    carries a credential or makes one, and plain http shows it to whoever listens.
    """
    text = url.strip()
    if "://" not in text:
        raise CliError(f"{text!r} is not a server address.", hint="Give the whole address, e.g. https://levqor.example")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise CliError(f"{text!r} is not a server address: {error}.") from error
    host = (parts.hostname or "").lower()
    if parts.scheme not in {"http", "https"} or not host:
        raise CliError(f"{text!r} is not an http or https address.")
    if parts.username or parts.password:
        raise CliError("Leave user name and password out of the server address.", hint="Log in with: levqor login")
    if parts.query or parts.fragment:
        raise CliError(f"{text!r} has a query or a fragment; give only the server's address.")
    if parts.scheme == "http" and not is_loopback(host):
        raise CliError(
            f"Refusing plain http to {host}: your credentials would travel readable.",
            hint=f"Use https://{host}, or a tunnel to this machine (http://127.0.0.1:PORT).",
        )
    shown_host = f"[{host}]" if ":" in host else host
    default_port = {"http": 80, "https": 443}[parts.scheme]
    shown_port = f":{port}" if port is not None and port != default_port else ""
    return f"{parts.scheme}://{shown_host}{shown_port}{parts.path.rstrip('/')}"


def host_of(url: str) -> str:
    """The host of a normalised address."""
    return urlsplit(url).hostname or ""
