"""How everything leaves for a channel: through the guarded client, also what apprise says.

apprise's services call `requests`, which would follow redirects, go to private addresses and wait for each byte anew.
Staff name the addresses, but whoever takes over one staff account must not read our network with it. So the services
that we offer get this in place of their `requests`: one deadline, a small answer, no redirect, no private address. It
also sees the status, which apprise keeps to itself and which says whether trying again can help.

An address in `ALERT_URLS` is the operator's own word: its host may be private, for that channel alone.
"""

import base64
import json as jsonlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import requests as real
from django.conf import settings

from apps.core import http
from apps.core.clock import now
from apps.notifications.channels.errors import ChannelError, refused

TIMEOUT = 10.0  # seconds, for look-up, connection and answer together
MAX_ANSWER = 64_000
# What Slack and its like answer with status 200 when they are in trouble themselves.
THEIR_TROUBLE = frozenset(
    {"fatal_error", "internal_error", "service_unavailable", "request_timeout", "ratelimited", "rate_limited"}
)


@dataclass
class Trip:
    """The calls of one delivery, and what became of each."""

    private_host: str = ""  # "host:port" that this delivery may reach though it is private
    errors: list[ChannelError] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


_trip: ContextVar[Trip | None] = ContextVar("trip", default=None)


@contextmanager
def travelling(private_host: str = "") -> Iterator[Trip]:
    """Inside the block, calls of this thread belong to one delivery."""
    token = _trip.set(trip := Trip(private_host))
    try:
        yield trip
    finally:
        _trip.reset(token)


def call(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, Any] | None = None,
    content: bytes | str | None = None,
) -> http.Response:
    """One guarded call. Notes in the trip what went wrong; raises `GuardedHttpError` when there is no answer."""
    trip = _trip.get() or Trip()
    try:
        answer = _request(
            trip, method, url, headers=headers, params=params, content=content, timeout=TIMEOUT, max_bytes=MAX_ANSWER
        )
    except http.GuardedHttpError as error:
        hopeless = isinstance(error, http.BlockedAddressError | http.InvalidRequestError)
        trip.errors.append(ChannelError(str(error.detail), permanent=hopeless, maybe_sent=error.maybe_sent))
        raise
    said = _words_of(answer)
    trip.said.append(said)
    if not answer.ok:
        trip.errors.append(refused(answer.status, said, http.retry_after_seconds(answer, now())))
    return answer


def _request(trip: Trip, method: str, url: str, **options: Any) -> http.Response:
    if not trip.private_host:
        return http.request(method, url, follow_redirects=False, **options)
    # A client of its own, so that no connection made for the operator's address serves anybody else.
    client = http.GuardedClient(
        allowed=(*settings.OUTBOUND_ALLOWED_HOSTS, trip.private_host), user_agent=f"Levqor/{settings.VERSION}"
    )
    try:
        return client.request(method, url, follow_redirects=False, **options)
    finally:
        client.close()


def _words_of(answer: http.Response) -> str:
    """What the other side says about it, in one line: never what we sent."""
    try:
        found = jsonlib.loads(answer.body)
    except ValueError:
        return ""
    if not isinstance(found, dict):
        return ""
    for name in ("description", "error", "message", "detail"):
        if isinstance(found.get(name), str):
            return " ".join(found[name].split())[:200]
    return ""


class GuardedRequests:
    """As much of `requests` as apprise's services use."""

    codes = real.codes
    RequestException = real.RequestException
    exceptions = real.exceptions

    def get(self, url: str, **options: Any) -> real.Response:
        """`requests.get`."""
        return self.request("GET", url, **options)

    def post(self, url: str, **options: Any) -> real.Response:
        """`requests.post`."""
        return self.request("POST", url, **options)

    def put(self, url: str, **options: Any) -> real.Response:
        """`requests.put`."""
        return self.request("PUT", url, **options)

    def delete(self, url: str, **options: Any) -> real.Response:
        """`requests.delete`."""
        return self.request("DELETE", url, **options)

    def request(
        self,
        method: str,
        url: str,
        *,
        data: Any = None,
        json: Any = None,
        headers: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        auth: tuple[str, str] | None = None,
        files: Any = None,
        **_its_own_limits: Any,
    ) -> real.Response:
        """`requests.request`, within our limits. Attachments are never sent."""
        if files:
            raise real.RequestException("no attachments")
        sent = {name: str(value) for name, value in (headers or {}).items()}
        if auth:
            sent["Authorization"] = "Basic " + base64.b64encode(f"{auth[0]}:{auth[1] or ''}".encode()).decode()
        content = jsonlib.dumps(json) if json is not None else _form(data, sent)
        try:
            answer = call(method, url, headers=sent, params=params or None, content=content)
        except http.GuardedHttpError as error:
            raise real.ConnectionError(str(error.detail)) from error
        response = real.Response()
        response.status_code, response.url, response._content = answer.status, answer.url, answer.body
        response.headers.update(answer.headers)
        return response


def _form(data: Any, headers: dict[str, str]) -> bytes | str | None:
    if not isinstance(data, dict):
        return data  # type: ignore[no-any-return] # text or bytes, as requests takes them
    headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    return urlencode(data, doseq=True)
