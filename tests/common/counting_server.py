"""An HTTP endpoint on loopback that remembers every call: what a workflow did to the outside world, in order.

Paths choose the behaviour: `/ok`, `/flaky?failures=2` (503 until a key was tried that often), `/refuse` (422), `/hold`
(a key's first call is answered once `release()` was called). `pause=0.1` makes any of them take that many seconds.
"""

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

HELD_AT_MOST = 120.0


@dataclass(frozen=True)
class Call:
    """One request, noted when it arrived."""

    number: int
    at: datetime
    key: str
    path: str
    body: dict[str, Any] = field(default_factory=dict)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients are killed here all the time: a broken connection is nothing to print."""


class CountingServer:
    """Use as a context manager."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self.cut_off = 0  # requests that did not arrive whole
        self._tries: Counter[str] = Counter()
        self._released = threading.Event()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                owner._answer(self)

            def do_GET(self) -> None:
                owner._answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                """Silent."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> "CountingServer":
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.release()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    @property
    def host(self) -> str:
        """`127.0.0.1:port`, as OUTBOUND_ALLOWED_HOSTS wants it."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def calls(self, **body: Any) -> list[Call]:
        """All calls so far whose JSON body has these members."""
        with self._lock:
            calls = list(self._calls)
        return [call for call in calls if all(call.body.get(name) == value for name, value in body.items())]

    def release(self) -> None:
        """Let everything go that `/hold` holds."""
        self._released.set()

    def hold(self) -> None:
        """Hold calls of `/hold` (again)."""
        self._released.clear()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        arrived = datetime.now(UTC)
        length = int(handler.headers.get("Content-Length") or 0)
        raw = handler.rfile.read(length)
        if len(raw) < length:  # its sender was killed after the head: no endpoint acts on such a request
            with self._lock:
                self.cut_off += 1
            return
        body = json.loads(raw) if raw else {}
        target = urlsplit(handler.path)
        options = dict(parse_qsl(target.query))
        key = handler.headers.get("Idempotency-Key", "")
        with self._lock:
            self._tries[key] += 1
            tries = self._tries[key]
            self._calls.append(Call(len(self._calls), arrived, key, target.path, body))
        if target.path == "/hold" and tries == 1:
            self._released.wait(HELD_AT_MOST)
        time.sleep(float(options.get("pause", "0")))
        status = 200
        if target.path == "/flaky" and tries <= int(options["failures"]):
            status = 503
        elif target.path == "/refuse":
            status = 422
        answer = json.dumps({"tries": tries, "echo": body}).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(answer)))
        handler.end_headers()
        handler.wfile.write(answer)
