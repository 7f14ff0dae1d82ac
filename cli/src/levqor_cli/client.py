"""The HTTP client of Levqor's API: credentials, retries, idempotency keys, problem documents."""

import platform
import uuid
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Protocol, Self

import httpx

from levqor_cli import __version__, clock
from levqor_cli.errors import UnreachableError
from levqor_cli.problems import error_from
from levqor_cli.retries import pause_after_failure, pause_after_response
from levqor_cli.server_url import host_of, is_loopback

API_PREFIX = "/api/v1"
REPEATABLE_METHODS = frozenset({"GET", "PUT", "DELETE"})
USER_AGENT = f"levqor-cli/{__version__} python/{platform.python_version()}"


class TokenSource(Protocol):
    """Where the bearer token of a call comes from."""

    @property
    def advice(self) -> str:
        """What the user can do when the server rejects even the renewed token."""
        ...

    def access_token(self) -> str:
        """A token that should be valid now; raises `NotLoggedInError` when there is none."""
        ...

    def renew(self, rejected: str) -> str | None:
        """A token to use instead of one the server just rejected, or None when there is no other."""
        ...


class ApiClient:
    """Calls one server. Paths are relative to `/api/v1`, answers are parsed JSON."""

    def __init__(self, url: str, tokens: TokenSource | None, transport: httpx.BaseTransport | None = None) -> None:
        self.url = url
        self._tokens = tokens
        self._http = httpx.Client(
            headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
            timeout=httpx.Timeout(30.0, connect=10.0),
            # A proxy from the environment must not see what we send to this machine in plain http.
            mounts={"http://": None, "https://": None} if is_loopback(host_of(url)) else None,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str, *, params: Mapping[str, str | int] | None = None) -> Any:
        """Read something; repeated when the server is briefly away."""
        return self._json(self.request("GET", path, params=params))

    def get_once(self, path: str, *, params: Mapping[str, str | int], timeout: float) -> Any:
        """Read without repeating, for a caller with its own plan for failures (long polls)."""
        return self._json(self.request("GET", path, params=params, timeout=timeout, repeat=False))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Create or decide something, exactly once however often the network makes us ask."""
        return self._json(self.post_response(path, body))

    def post_response(self, path: str, body: Mapping[str, Any]) -> httpx.Response:
        """The same, for callers that need the status as well."""
        return self.request("POST", path, body=body, idempotency_key=str(uuid.uuid4()))

    def post_plain(self, path: str, body: Mapping[str, Any], *, repeat: bool = False) -> Any:
        """A POST without idempotency key. `repeat` only where the call changes nothing."""
        return self._json(self.request("POST", path, body=body, repeat=repeat))

    def put(self, path: str, body: Mapping[str, Any]) -> Any:
        """Set something to a value."""
        return self._json(self.request("PUT", path, body=body))

    def delete(self, path: str) -> None:
        """Remove something."""
        self.request("DELETE", path)

    def pages(self, path: str, *, params: Mapping[str, str | int], limit: int) -> Iterator[dict[str, Any]]:
        """Up to `limit` entries of a list, following its cursor."""
        cursor, left = "", limit
        while left > 0:
            query = {**params, "limit": min(left, 100), **({"cursor": cursor} if cursor else {})}
            page = self.get(path, params=query)
            yield from page["data"][:left]
            left -= len(page["data"])
            cursor = page.get("next_cursor") or ""
            if not cursor or not page["data"]:
                return

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str | int] | None = None,
        idempotency_key: str = "",
        timeout: float | None = None,
        repeat: bool | None = None,
    ) -> httpx.Response:
        """Send one call and return its successful response.

        Raises `CliError` from the problem document, or `UnreachableError` when no answer came. Repeats what is
        safe to repeat: reads, replacements, and POSTs that carry an idempotency key.
        """
        may_repeat = (method in REPEATABLE_METHODS or bool(idempotency_key)) if repeat is None else repeat
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        token = self._tokens.access_token() if self._tokens else ""
        attempt, renewed = 1, False
        while True:
            if token:
                headers["Authorization"] = f"Bearer {token}"
            try:
                response = self._http.request(
                    method,
                    f"{self.url}{API_PREFIX}{path}",
                    json=body,
                    params=params,
                    headers=headers,
                    timeout=httpx.USE_CLIENT_DEFAULT if timeout is None else timeout,
                )
            except httpx.TransportError as error:
                pause = pause_after_failure(error, attempt) if may_repeat else None
                if pause is None:
                    raise UnreachableError(f"Cannot reach {self.url}: {_reason(error)}.") from error
            else:
                if response.is_success:
                    return response
                if response.status_code == 401 and self._tokens and not renewed:
                    renewed = True
                    fresh = self._tokens.renew(token)
                    if fresh:
                        token = fresh
                        continue
                pause = pause_after_response(response, attempt) if may_repeat else None
                if pause is None:
                    refusal = error_from(response)
                    if response.status_code == 401 and self._tokens:
                        refusal.hint = refusal.hint or self._tokens.advice
                    raise refusal
            clock.sleep(pause)
            attempt += 1

    def _json(self, response: httpx.Response) -> Any:
        if not response.content:
            return None
        try:
            return response.json()
        except ValueError as error:
            raise UnreachableError(
                f"{self.url} does not answer like a Levqor server.", hint="Check the address given with --url."
            ) from error


def _reason(error: httpx.TransportError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "it did not answer in time"
    text = str(error).strip().rstrip(".")
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return "its TLS certificate cannot be verified"
    if "refused" in text.lower():
        return "connection refused, nothing listens there"
    if "name or service" in text.lower() or "nodename" in text.lower() or "name resolution" in text.lower():
        return "no such host"
    return text[:200] or type(error).__name__
