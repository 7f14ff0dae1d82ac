"""Where passkeys work: browsers bind each to a host name, over a secure connection."""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.http.request import validate_host


@dataclass(frozen=True)
class PasskeyPlace:
    """Whether a browser offers passkeys at the address that was opened, and what to tell where it does not."""

    usable: bool
    numeric: bool = False  # the host is an IP address: no browser accepts one
    better_url: str = ""  # the same page where passkeys work, when that is known

    @property
    def better_host(self) -> str:
        """Where `better_url` is, as people write it."""
        return urlsplit(self.better_url).netloc


def host_name(request: HttpRequest) -> str:
    """The host of the address that was opened, without its port: the id that passkeys are bound to."""
    return urlsplit(f"//{request.get_host()}").hostname or ""


def passkey_place(request: HttpRequest) -> PasskeyPlace:
    """What the address that was opened means for passkeys."""
    host = host_name(request)
    try:
        address = ip_address(host)
    except ValueError:
        return PasskeyPlace(usable=request.is_secure() or host == "localhost" or host.endswith(".localhost"))
    if address.is_loopback and validate_host("localhost", settings.ALLOWED_HOSTS):
        _host, _colon, port = request.get_host().rpartition(":")
        place = f"localhost:{port}" if port.isdecimal() else "localhost"
        return PasskeyPlace(False, True, f"{request.scheme}://{place}{request.get_full_path()}")
    return PasskeyPlace(False, True)
