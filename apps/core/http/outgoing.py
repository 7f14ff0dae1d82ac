"""One request on its way: what callers may say, what we say ourselves, and how a redirect changes it."""

import json as jsonlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import httpx
from django.utils.translation import gettext as _

from apps.core.http.decoding import ACCEPTED_ENCODINGS
from apps.core.http.errors import HttpFailureError, InvalidRequestError
from apps.core.http.targets import Target, parse_target

Primitive = str | int | float | bool | None
Params = Mapping[str, Primitive | Sequence[Primitive]]

METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
REPEATABLE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})

# Who the request is for and where it ends is decided here alone, or two readers could disagree about it.
_OWN_HEADERS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "expect"}
)
# All that survives a redirect to another origin: any other header may be a secret meant for the first one.
_HARMLESS_HEADERS = frozenset(
    {"accept", "accept-language", "accept-encoding", "cache-control", "content-type", "content-language", "user-agent"}
)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_MAX_HEADER_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A checked request. Header names are lower-case; Host and Content-Length are added by `wire_headers`."""

    method: str
    target: Target
    headers: tuple[tuple[str, bytes], ...]
    body: bytes

    def wire_headers(self) -> list[tuple[bytes, bytes]]:
        """All headers as they go over the wire."""
        wire = [(b"host", self.target.host_header.encode("ascii"))]
        wire += [(name.encode("ascii"), value) for name, value in self.headers]
        if self.body or self.method in ("POST", "PUT", "PATCH"):
            wire.append((b"content-length", b"%d" % len(self.body)))
        return wire

    def redirected(self, status: int, location: str) -> "Outgoing":
        """The request that follows a redirect answer.

        303, and 301/302 after a POST, become a GET without body; 307 and 308 repeat the request. To another origin
        go only harmless headers. Raises HttpFailureError (redirect_refused) from https to http, and what
        `parse_target` raises.
        """
        try:
            url = self.target.url.join(location)
        except (httpx.InvalidURL, ValueError):
            raise HttpFailureError(
                _("%(host)s redirects to a malformed URL.") % {"host": self.target.host},
                code="redirect_refused",
                maybe_sent=True,
            ) from None
        target = parse_target(url)
        if self.target.scheme == "https" and target.scheme != "https":
            raise HttpFailureError(
                _("%(host)s redirects from https to http.") % {"host": self.target.host},
                code="redirect_refused",
                maybe_sent=True,
            )
        following = replace(self, target=target)
        if target.origin != self.target.origin:
            following = replace(following, headers=tuple(h for h in self.headers if h[0] in _HARMLESS_HEADERS))
        to_get = self.method not in ("GET", "HEAD") if status == 303 else self.method == "POST" and status in (301, 302)
        if to_get:
            kept = tuple(header for header in following.headers if not header[0].startswith("content-"))
            following = replace(following, method="GET", headers=kept, body=b"")
        return following


def build(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None,
    params: Params | None,
    json: Any,
    content: bytes | str | None,
    user_agent: str,
) -> Outgoing:
    """A checked request from what a caller wrote. Raises InvalidRequestError or BlockedAddressError."""
    if method.upper() not in METHODS:
        raise InvalidRequestError(_("The method must be one of %(methods)s.") % {"methods": ", ".join(sorted(METHODS))})
    target = parse_target(url)
    if params:
        try:
            target = parse_target(target.url.copy_merge_params(params))
        except (httpx.InvalidURL, TypeError, ValueError):
            raise InvalidRequestError(_("The query parameters cannot be put into a URL.")) from None
    checked = _checked_headers(headers or {})
    body = _body(json, content)
    present = {name for name, _value in checked}
    defaults = [("user-agent", user_agent.encode("ascii")), ("accept", b"*/*")]
    defaults.append(("accept-encoding", ACCEPTED_ENCODINGS.encode("ascii")))
    if json is not None:
        defaults.append(("content-type", b"application/json"))
    own = [(name, value) for name, value in defaults if name not in present]
    return Outgoing(method.upper(), target, (*own, *checked), body)


def _checked_headers(headers: Mapping[str, str]) -> list[tuple[str, bytes]]:
    checked = []
    for name, value in headers.items():
        lower = name.lower()
        if not _TOKEN.fullmatch(name):
            raise InvalidRequestError(_("A header name has characters that are not allowed."))
        if lower in _OWN_HEADERS or lower.startswith("proxy-"):
            raise InvalidRequestError(_("The header %(name)s cannot be set.") % {"name": name})
        if not isinstance(value, str) or _CONTROL.search(value):
            raise InvalidRequestError(
                _("The value of header %(name)s must be text without control characters.") % {"name": name}
            )
        try:
            checked.append((lower, value.strip().encode()))
        except UnicodeEncodeError:
            raise InvalidRequestError(_("The value of header %(name)s is not text.") % {"name": name}) from None
    if sum(len(name) + len(value) for name, value in checked) > _MAX_HEADER_BYTES:
        raise InvalidRequestError(_("The headers are larger than %(limit)d bytes.") % {"limit": _MAX_HEADER_BYTES})
    return checked


def _body(json: Any, content: bytes | str | None) -> bytes:
    if content is not None:
        if json is not None:
            raise InvalidRequestError(_("A request has either json or content, not both."))
        if not isinstance(content, bytes | str):
            raise InvalidRequestError(_("The content must be text or bytes."))
        try:
            return content.encode() if isinstance(content, str) else content
        except UnicodeEncodeError:
            raise InvalidRequestError(_("The content is not valid text.")) from None
    if json is None:
        return b""
    try:
        return jsonlib.dumps(json, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError):  # a lone surrogate is a ValueError too
        raise InvalidRequestError(_("The body is not valid JSON data.")) from None
