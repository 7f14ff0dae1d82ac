"""How long a request's body was waited for: that is the sender's time, not ours."""

import time
from typing import Any

from django.http import HttpRequest


class TimedBody:
    """A request's stream that counts the seconds which reading it takes."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.seconds = 0.0

    def read(self, *size: int) -> bytes:
        """As the stream does."""
        return self._timed(self._stream.read, size)

    def readline(self, *size: int) -> bytes:
        """As the stream does."""
        return self._timed(self._stream.readline, size)

    def _timed(self, read: Any, size: tuple[int, ...]) -> bytes:
        began = time.perf_counter()
        try:
            found: bytes = read(*size)
        finally:
            self.seconds += time.perf_counter() - began
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def timed_body(request: HttpRequest) -> TimedBody:
    """Put between a request, which nobody has read yet, and its stream."""
    body = TimedBody(request._stream)
    request._stream = body  # type: ignore[assignment] # what Django asks of a stream
    return body
