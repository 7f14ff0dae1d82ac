"""The guarded client under Notion's library: for calls that a customer's workflow makes."""

import httpx

from apps.core import http

MOST_BYTES = 2_000_000
SECONDS = 30.0
_FRAMING = {"content-encoding", "content-length", "transfer-encoding", "connection"}
_OURS = {"host", "content-length", "connection", "accept-encoding", "user-agent", "transfer-encoding"}


class GuardedTransport(httpx.BaseTransport):
    """Every request leaves through `core.http`, with its checks, its deadline and its limit of size."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Make the call. Raises `GuardedHttpError`."""
        answer = http.request(
            request.method,
            str(request.url),
            headers={name: value for name, value in request.headers.items() if name.lower() not in _OURS},
            content=request.read() or None,
            timeout=self._seconds,
            max_bytes=MOST_BYTES,
            follow_redirects=False,
        )
        headers = {name: value for name, value in answer.headers.items() if name not in _FRAMING}
        return httpx.Response(answer.status, headers=headers, content=answer.body, request=request)
