"""From a URL to the one destination that is checked and connected to: there is no second parser to disagree."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_address

import httpx
from django.utils.translation import gettext as _

from apps.core.http.addresses import IPAddress
from apps.core.http.errors import BlockedAddressError, InvalidRequestError

HostPort = tuple[str, int]

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")
_MAX_HOST_LENGTH = 253


@dataclass(frozen=True, slots=True)
class Target:
    """Where one request goes. `host` is lower-case ASCII without brackets or trailing dot; `path` has the query."""

    scheme: str
    host: str
    port: int
    path: bytes
    url: httpx.URL

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: what must be equal for headers to survive a redirect."""
        return self.scheme, self.host, self.port

    @property
    def host_header(self) -> str:
        """The value of the Host header; the port is left out where it is the scheme's own."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == _DEFAULT_PORTS[self.scheme] else f"{name}:{self.port}"


def parse_target(url: httpx.URL | str) -> Target:
    """The destination of an absolute http(s) URL.

    Raises InvalidRequestError for anything but a well-formed URL without credentials, BlockedAddressError for an
    IPv4 address in another notation than four decimal numbers.
    """
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError, TypeError):
        raise InvalidRequestError(_("The URL is malformed.")) from None
    if parsed.scheme not in _DEFAULT_PORTS:
        raise InvalidRequestError(_("Only http and https URLs can be called."))
    if parsed.userinfo:
        raise InvalidRequestError(
            _("The URL must not carry a user name or password; send an Authorization header instead.")
        )
    host = normal_host(parsed.raw_host.decode("ascii"))
    port = parsed.port if parsed.port is not None else _DEFAULT_PORTS[parsed.scheme]
    if not 0 < port < 65536:
        raise InvalidRequestError(_("The port must be between 1 and 65535."))
    return Target(parsed.scheme, host, port, parsed.raw_path, parsed)


def normal_host(host: str) -> str:
    """`host` in the one form used for checking and connecting; an IPv6 literal comes without brackets."""
    if ":" in host:
        return str(_ipv6_literal(host))
    host = host.lower().removesuffix(".")
    labels = host.split(".")
    if _NUMERIC_LABEL.fullmatch(labels[-1]):
        # The resolver would read 127.1, 2130706433, 0x7f.1 or 0177.0.0.1 as addresses. One notation is enough.
        try:
            return str(IPv4Address(host))
        except AddressValueError:
            raise BlockedAddressError(
                _("%(host)s is not an IPv4 address of four decimal numbers.") % {"host": host}
            ) from None
    if len(host) > _MAX_HOST_LENGTH or not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidRequestError(_("The URL has no valid host name."))
    return host


def literal_address(host: str) -> IPAddress | None:
    """The address that a normal host spells out, or None when it is a name to look up."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def parse_allowed_hosts(entries: Iterable[str]) -> frozenset[HostPort]:
    """The setting OUTBOUND_ALLOWED_HOSTS, `"host:port"` each (IPv6 in brackets), ready to compare.

    Raises ValueError for an entry without a host or a port: a sloppy entry must not open more than it says.
    """
    allowed = set()
    for entry in entries:
        host, separator, port = entry.strip().rpartition(":")
        bracketed = host.startswith("[") and host.endswith("]")
        if not separator or not host or not re.fullmatch(r"[0-9]{1,5}", port) or (":" in host and not bracketed):
            raise ValueError(f"OUTBOUND_ALLOWED_HOSTS: {entry!r} is not host:port")
        try:
            allowed.add((normal_host(host[1:-1] if bracketed else host), int(port)))
        except (InvalidRequestError, BlockedAddressError):
            raise ValueError(f"OUTBOUND_ALLOWED_HOSTS: {entry!r} is not host:port") from None
    return frozenset(allowed)


def _ipv6_literal(host: str) -> IPv6Address:
    try:
        address = IPv6Address(host)
    except AddressValueError:
        raise InvalidRequestError(_("The URL has a malformed IPv6 address.")) from None
    if address.scope_id is not None:
        raise BlockedAddressError(_("An IPv6 address with a zone id cannot be called."))
    return address
