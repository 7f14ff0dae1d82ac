"""An API on loopback that is in trouble: it gives the answers that it was told to, and remembers each request.

In front of a live platform it can also pass a request on and close the connection instead of telling the answer.
"""

import json
import threading
from collections import deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

import httpx


@dataclass(frozen=True)
class Answer:
    """What to answer. Text is sent as it is."""

    status: int = 200
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()


CUT = Answer(0)
"""Close the connection without an answer."""


@dataclass(frozen=True)
class Seen:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> str | None:
        return self.headers.get("idempotency-key")


def problem(status: int, code: str, **headers: str) -> Answer:
    """A refusal as the platform sends it."""
    body = {"type": "about:blank", "title": "No", "status": status, "detail": "Not now.", "code": code, "instance": "/"}
    told = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    kind = ("Content-Type", "application/problem+json")
    return Answer(status, {**body, "request_id": "req_1"}, (kind, *told))


class TroubledServer:
    """Use as a context manager. `answers` are given in turn; then the platform behind is asked, where there is one."""

    def __init__(self, behind: str = "") -> None:
        self.answers: deque[Answer] = deque()
        self.seen: list[Seen] = []
        self._behind = behind
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                owner._answer(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

            def log_message(self, format: str, *args: Any) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def will(self, *answers: Answer) -> None:
        """Forget what was, and answer so from now on."""
        self.answers, self.seen = deque(answers), []

    def __enter__(self) -> "TroubledServer":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in request.headers.items()}
        seen = Seen(request.command, request.path, headers, body)
        self.seen.append(seen)
        if self._behind:
            passed_on = self._passed_on(seen)
            answer = self.answers.popleft() if self.answers else passed_on
        else:
            answer = self.answers.popleft()
        if answer is CUT:
            request.close_connection = True
            return
        content = answer.body.encode() if isinstance(answer.body, str) else json.dumps(answer.body).encode()
        request.send_response(answer.status)
        for name, value in {"Content-Type": "application/json", **dict(answer.headers)}.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    def _passed_on(self, seen: Seen) -> Answer:
        kept = {name: value for name, value in seen.headers.items() if name not in ("host", "connection")}
        answer = httpx.request(seen.method, self._behind + seen.path, headers=kept, content=seen.body, timeout=30)
        return Answer(answer.status_code, answer.text, (("Content-Type", answer.headers["content-type"]),))
