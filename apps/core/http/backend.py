"""The network under the HTTP protocol: look up once, check every address, connect to exactly one of them.

httpcore hands each operation a `timeout`; in this package that number is always a *deadline*, an instant of
time.monotonic(), so that many small steps cannot add up to more than the whole request was given.
"""

import select
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address
from typing import Any

import httpcore
import structlog
from django.utils.translation import gettext as _

from apps.core.http.addresses import IPAddress, refusal_reason
from apps.core.http.errors import BlockedAddressError, HttpFailureError
from apps.core.http.resolver import Resolver
from apps.core.http.targets import HostPort, literal_address

log = structlog.get_logger(__name__)

Dial = Callable[[IPAddress, int, float], socket.socket]

# Mail, shells and stores that read a request's body line by line as commands; nobody serves HTTP there.
REFUSED_PORTS = frozenset({21, 22, 23, 25, 110, 143, 465, 587, 993, 995, 6379, 11211})
_MAX_ADDRESSES_TRIED = 4
HUNG_UP = (ssl.SSLEOFError, ssl.SSLZeroReturnError)  # in the middle; which of them, differs between Pythons


def dial_tcp(address: IPAddress, port: int, timeout: float) -> socket.socket:
    """A connected TCP socket to a numeric address; nothing is looked up. Raises OSError."""
    family = socket.AF_INET if isinstance(address, IPv4Address) else socket.AF_INET6
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(timeout)
        sock.connect((str(address), port))
    except BaseException:
        sock.close()
        raise
    return sock


class GuardedBackend(httpcore.NetworkBackend):
    """Opens connections to public addresses, and to the allowed `(host, port)` pairs whatever their address."""

    def __init__(self, resolver: Resolver, allowed: frozenset[HostPort], dial: Dial = dial_tcp) -> None:
        self._resolver = resolver
        self._allowed = allowed
        self._dial = dial

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to `host`. Raises BlockedAddressError, HttpFailureError, HttpTimeoutError or httpcore's own."""
        deadline = 0.0 if timeout is None else timeout
        addresses = self._checked_addresses(host, port, deadline)[:_MAX_ADDRESSES_TRIED]
        failure: OSError | None = None
        for position, address in enumerate(addresses):
            # A silent address gets its share of the time, so that the next one has a chance.
            share = _seconds_left(deadline, httpcore.ConnectTimeout) / (len(addresses) - position)
            try:
                return GuardedStream(self._dial(address, port, share))
            except OSError as error:
                failure = error
        if isinstance(failure, TimeoutError):
            raise httpcore.ConnectTimeout(str(failure))
        raise httpcore.ConnectError(str(failure))

    def _checked_addresses(self, host: str, port: int, deadline: float) -> list[IPAddress]:
        literal = literal_address(host)
        if (host, port) in self._allowed:
            return [literal] if literal is not None else self._resolver.resolve(host, port, deadline)
        if port in REFUSED_PORTS:
            raise BlockedAddressError(_("Port %(port)d is closed to outbound requests.") % {"port": port})
        addresses = [literal] if literal is not None else self._resolver.resolve(host, port, deadline)
        for address in addresses:
            reason = refusal_reason(address)
            if reason is not None:
                log.warning("outbound_address_blocked", host=host, port=port, address=str(address), reason=reason)
                raise BlockedAddressError(
                    _("%(host)s is not on the public Internet and cannot be called.") % {"host": host}
                )
        return addresses


class GuardedStream(httpcore.NetworkStream):
    """One socket, plain or TLS, each operation of which ends by the deadline."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """At most `max_bytes`; empty at the end of the stream."""
        try:
            self._sock.settimeout(_seconds_left(timeout, httpcore.ReadTimeout))
            return self._sock.recv(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Sends all of `buffer`."""
        unsent = memoryview(buffer)
        try:
            while unsent:
                self._sock.settimeout(_seconds_left(timeout, httpcore.WriteTimeout))
                unsent = unsent[self._sock.send(unsent) :]
        except TimeoutError as error:
            raise httpcore.WriteTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    def close(self) -> None:
        """Closes the socket at once."""
        self._sock.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The same connection under TLS, the certificate verified for `server_hostname`, the name in the URL."""
        try:
            self._sock.settimeout(_seconds_left(timeout, httpcore.ConnectTimeout))
            return GuardedStream(ssl_context.wrap_socket(self._sock, server_hostname=server_hostname))
        except BaseException as error:
            self.close()
            if isinstance(error, TimeoutError):
                raise httpcore.ConnectTimeout(str(error)) from error
            if isinstance(error, ssl.SSLError):
                reason = getattr(error, "verify_message", "") or error.reason or str(error)
                raise HttpFailureError(
                    _("No secure connection to %(host)s: %(reason)s") % {"host": server_hostname, "reason": reason},
                    code="tls_failure",
                    transient=isinstance(error, HUNG_UP),  # all else stays wrong
                ) from error
            if isinstance(error, OSError):
                raise httpcore.ConnectError(str(error)) from error
            raise

    def get_extra_info(self, info: str) -> Any:
        """What the pool asks: `is_readable` (an idle connection that is readable was closed by the other side)."""
        if info == "is_readable":
            return _is_readable(self._sock)
        if info == "ssl_object":
            return self._sock if isinstance(self._sock, ssl.SSLSocket) else None
        return self._sock if info == "socket" else None


def _seconds_left(deadline: float | None, too_late: type[Exception]) -> float:
    left = (deadline or 0.0) - time.monotonic()
    if left <= 0:
        raise too_late("deadline passed")
    return left


def _is_readable(sock: socket.socket) -> bool:
    descriptor = sock.fileno()
    if descriptor < 0:
        return True
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
