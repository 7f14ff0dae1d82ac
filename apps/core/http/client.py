"""The guarded client: one deadline, one size limit and the same checks for every hop."""

import ssl
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import httpcore
import httpx
from django.utils.translation import gettext as _

from apps.core.http.backend import Dial, GuardedBackend, dial_tcp
from apps.core.http.decoding import read_body, too_large
from apps.core.http.errors import (
    GuardedHttpError,
    HttpFailureError,
    HttpTimeoutError,
    InvalidRequestError,
    ResponseTooLargeError,
)
from apps.core.http.outgoing import REDIRECT_STATUSES, REPEATABLE_METHODS, Outgoing, Params, build
from apps.core.http.resolver import Resolver
from apps.core.http.response import Response
from apps.core.http.targets import parse_allowed_hosts

MAX_REDIRECTS = 5
MAX_HEADER_BYTES = 65_536
DEFAULT_TIMEOUT = 30.0
MAX_TIMEOUT = 3_600.0
DEFAULT_MAX_BYTES = 1_000_000

# Shorter than what common servers keep (5 s), so that a kept connection is rarely closed while we write into it.
_KEEPALIVE_SECONDS = 4.0
_MAX_KEPT_CONNECTIONS = 32
# The body of a redirect is read, to keep the connection, up to here.
_MAX_REDIRECT_BODY = 16_384
_BROKEN = (httpcore.ReadError, httpcore.WriteError, httpcore.RemoteProtocolError)


class GuardedClient:
    """Thread-safe. Keeps connections, never cookies; reads no proxy or other setting from the environment.

    A kept connection is safe to use again: its address was checked when it was opened, it cannot change, and the
    pool hands it out for the same scheme, host and port only. `allowed` is fixed for the client's life, so that no
    connection outlives the entry that permitted it.
    """

    def __init__(
        self,
        *,
        allowed: Iterable[str] = (),
        user_agent: str = "Levqor",
        resolver: Resolver | None = None,
        dial: Dial = dial_tcp,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._user_agent = user_agent
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context or httpx.create_ssl_context(trust_env=False),
            max_connections=None,
            max_keepalive_connections=_MAX_KEPT_CONNECTIONS,
            keepalive_expiry=_KEEPALIVE_SECONDS,
            network_backend=GuardedBackend(resolver or Resolver(), parse_allowed_hosts(allowed), dial),
        )

    def close(self) -> None:
        """Closes every connection, also those in use by other threads."""
        self._pool.close()

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Params | None = None,
        json: Any = None,
        content: bytes | str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        max_bytes: int = DEFAULT_MAX_BYTES,
        follow_redirects: bool = True,
    ) -> Response:
        """Sends one request and reads its answer, whatever its status. See `apps.core.http.request`."""
        if not 0 < timeout <= MAX_TIMEOUT or max_bytes < 0:
            raise InvalidRequestError(
                _("The timeout must be over 0 and up to %(limit)d seconds, the size limit not negative.")
                % {"limit": MAX_TIMEOUT}
            )
        started = time.monotonic()
        deadline = started + timeout
        outgoing = build(
            method, url, headers=headers, params=params, json=json, content=content, user_agent=self._user_agent
        )
        for _hop in range(MAX_REDIRECTS + 1):
            exchange = _Exchange(self._pool, outgoing, deadline, max_bytes, follow_redirects)
            exchange.run()
            if exchange.location is None:
                elapsed_ms = round((time.monotonic() - started) * 1000)
                return Response(exchange.status, exchange.headers, exchange.body, str(outgoing.target.url), elapsed_ms)
            outgoing = outgoing.redirected(exchange.status, exchange.location)
        raise HttpFailureError(
            _("More than %(limit)d redirects.") % {"limit": MAX_REDIRECTS}, code="too_many_redirects", maybe_sent=True
        )


class _Exchange:
    """One request and its answer on one connection; repeated once if a kept connection turns out to be dead."""

    def __init__(
        self, pool: httpcore.ConnectionPool, outgoing: Outgoing, deadline: float, max_bytes: int, follow: bool
    ) -> None:
        self._pool = pool
        self._outgoing = outgoing
        self._deadline = deadline
        self._max_bytes = max_bytes
        self._follow = follow
        self._seen: set[str] = set()
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.location: str | None = None

    def run(self) -> None:
        """Fills status, headers, body and, for a redirect to follow, location."""
        try:
            self._once()
        except _BROKEN as error:
            if not self._was_stale():
                raise self._translated(error) from error
            self._seen.clear()
            try:
                self._once()
            except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as again:
                raise self._translated(again) from again
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            raise self._translated(error) from error

    def _once(self) -> None:
        outgoing, target = self._outgoing, self._outgoing.target
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise httpcore.PoolTimeout
        response = self._pool.handle_request(
            httpcore.Request(
                outgoing.method,
                httpcore.URL(
                    scheme=target.scheme.encode("ascii"),
                    host=target.host.encode("ascii"),
                    port=target.port,
                    target=target.path,
                ),
                headers=outgoing.wire_headers(),
                content=outgoing.body,
                extensions={
                    # Deadlines, but for the pool's own wait: see the backend.
                    "timeout": {
                        "connect": self._deadline,
                        "read": self._deadline,
                        "write": self._deadline,
                        "pool": left,
                    },
                    "trace": self._trace,
                },
            )
        )
        try:
            self._read(response)
            if _has_surplus(response):
                response.extensions["network_stream"].close()
        finally:
            response.close()

    def _read(self, response: httpcore.Response) -> None:
        if sum(len(name) + len(value) for name, value in response.headers) > MAX_HEADER_BYTES:
            raise self._headers_too_large()
        self.status = response.status
        self.headers = {}
        for raw_name, raw_value in response.headers:
            name, value = raw_name.decode("ascii").lower(), _header_text(raw_value)
            self.headers[name] = f"{self.headers[name]}, {value}" if name in self.headers else value
        chunks = response.iter_stream()
        if self._follow and self.status in REDIRECT_STATUSES and "location" in self.headers:
            self.location = self.headers["location"]
            with suppress(ResponseTooLargeError):
                read_body(chunks, "", _MAX_REDIRECT_BODY)
            return
        encoding = self.headers.get("content-encoding", "")
        length = self.headers.get("content-length", "")
        if not encoding and self._outgoing.method != "HEAD" and length.isdecimal() and int(length) > self._max_bytes:
            raise too_large(self._max_bytes)
        self.body = read_body(chunks, encoding if self._outgoing.method != "HEAD" else "", self._max_bytes)

    def _trace(self, event: str, _info: Mapping[str, Any]) -> None:
        self._seen.add(event)

    def _was_stale(self) -> bool:
        """Whether a kept connection broke before any answer, for a request that may be sent twice."""
        return (
            self._outgoing.method in REPEATABLE_METHODS
            and "connection.connect_tcp.started" not in self._seen
            and "http11.receive_response_headers.complete" not in self._seen
        )

    def _translated(self, error: Exception) -> GuardedHttpError:
        host = {"host": self._outgoing.target.host}
        maybe_sent = "http11.send_request_headers.started" in self._seen
        if isinstance(error, httpcore.TimeoutException):
            return HttpTimeoutError(_("No complete answer from %(host)s in time.") % host, maybe_sent=maybe_sent)
        if isinstance(error, httpcore.LocalProtocolError):
            return InvalidRequestError(_("The request to %(host)s cannot be sent as it is written.") % host)
        if isinstance(error, httpcore.ConnectError):
            return HttpFailureError(
                _("No connection to %(host)s: %(reason)s") % {**host, "reason": error},
                code="connection_failed",
                transient=True,
            )
        if isinstance(error, httpcore.NetworkError):
            return HttpFailureError(
                _("The connection to %(host)s broke before the answer was complete.") % host,
                code="connection_lost",
                transient=True,
                maybe_sent=maybe_sent,
            )
        cause = next(iter(error.args), None)
        if getattr(cause, "error_status_hint", None) == 431:  # h11's buffer for one block of headers ran full
            return self._headers_too_large()
        return HttpFailureError(
            _("%(host)s closed the connection early or did not answer in valid HTTP.") % host,
            code="bad_response",
            transient=True,
            maybe_sent=maybe_sent,
        )

    def _headers_too_large(self) -> ResponseTooLargeError:
        return ResponseTooLargeError(
            _("The headers from %(host)s are larger than %(limit)d bytes.")
            % {"host": self._outgoing.target.host, "limit": MAX_HEADER_BYTES},
            maybe_sent=True,
        )


def _has_surplus(response: httpcore.Response) -> bool:
    """Whether more bytes came than the answer has: on a kept connection they would answer somebody else's request.

    httpcore has no public way to ask; the test of this guard fails loudly should its inside change.
    """
    stream: Any = response.stream
    return bool(stream._stream._connection._h11_state.trailing_data[0])


def _header_text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
