"""The process's one client, so that the many small calls of the workflow engine share connections."""

import atexit
import os
import threading
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from apps.core.http.client import DEFAULT_MAX_BYTES, DEFAULT_TIMEOUT, GuardedClient
from apps.core.http.outgoing import Params
from apps.core.http.response import Response


class _Shared:
    """The client and the allow list it was made for; made anew when the setting changes, and in a forked child."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets the client without closing it: after a fork its sockets belong to the parent."""
        self._lock = threading.Lock()
        self._current: tuple[tuple[str, ...], GuardedClient] | None = None

    def client(self) -> GuardedClient:
        allowed = tuple(settings.OUTBOUND_ALLOWED_HOSTS)
        current = self._current
        if current is not None and current[0] == allowed:
            return current[1]
        with self._lock:
            if self._current is None or self._current[0] != allowed:
                fresh = GuardedClient(allowed=allowed, user_agent=f"Levqor/{settings.VERSION}")
                self.close()
                self._current = (allowed, fresh)
            return self._current[1]

    def close(self) -> None:
        if self._current is not None:
            self._current[1].close()
            self._current = None


_shared = _Shared()
os.register_at_fork(after_in_child=_shared.reset)
atexit.register(_shared.close)


def request(
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
    """Calls a public http(s) URL and returns its answer, whatever the status.

    `params` are added to the URL's query; the body is `json` (any JSON value but null) or `content` (text is sent as
    UTF-8). `timeout` is in seconds and covers everything: look-up, connecting, all redirects, the last byte.
    `max_bytes` limits the decoded body. Up to five redirects are followed, each checked like the first URL.

    Raises InvalidRequestError, BlockedAddressError, HttpTimeoutError, ResponseTooLargeError or HttpFailureError, all
    of them GuardedHttpError with `transient` and `maybe_sent`.
    """
    return _shared.client().request(
        method,
        url,
        headers=headers,
        params=params,
        json=json,
        content=content,
        timeout=timeout,
        max_bytes=max_bytes,
        follow_redirects=follow_redirects,
    )


def close_connections() -> None:
    """Closes the process's kept connections; the next request opens new ones."""
    _shared.close()
