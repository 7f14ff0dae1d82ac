"""What the fakes of vendors stand on: an HTTP server in a thread of this process, with a function that answers."""

import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

STOP_LOOK_SECONDS = 0.02


@dataclass(frozen=True)
class Reply:
    """What is answered."""

    status: int
    content: bytes
    headers: dict[str, str]


# Method, address, headers (in lower case) and body of a request; None where the connection is to break.
Answer = Callable[[str, str, dict[str, str], bytes], Reply | None]


class FakeServer:
    """Listens from the moment it is made, and answers from `start` until `stop`. With `keep_alive` a connection serves
    one request after the other, as at vendors that are called often."""

    def __init__(self, host: str, port: int, answer: Answer, *, keep_alive: bool = False) -> None:
        self._server = _Server((host, port), _handler(answer, keep_alive))
        self.port: int = self._server.server_port
        self.url = f"http://{host}:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(STOP_LOOK_SECONDS,), daemon=True)

    def start(self) -> None:
        """Answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more, and free the port."""
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # many threads connect at once

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Quiet about callers that were killed; a mistake of our own is told."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


def _handler(answer: Answer, keep_alive: bool) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1" if keep_alive else "HTTP/1.0"
        timeout = 30
        wbufsize = -1  # head and body leave together
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._answer()

        do_POST = do_PATCH = do_DELETE = do_GET

        def _answer(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = answer(self.command, self.path, headers, raw)
            if reply is None or not keep_alive:
                self.close_connection = True
            if reply is None:
                return
            with suppress(BrokenPipeError, ConnectionResetError):  # whoever asked has gone
                self.send_response(reply.status)
                for name, value in {**reply.headers, "Content-Length": str(len(reply.content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.content)
                self.wfile.flush()

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet: what was asked is in the fake's `requests`."""

    return Handler
