"""A scripted HTTP server on loopback, raw enough to misbehave: drip, lie about lengths, break off, speak nonsense."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO


@dataclass
class Received:
    """A request as the server read it; header names in lower case, repeated ones as a list."""

    method: str
    path: str
    headers: dict[str, list[str]]
    body: bytes

    def header(self, name: str) -> str | None:
        values = self.headers.get(name)
        return values[0] if values else None


Script = Callable[[Received], Iterable[bytes]]


def answer(status: int = 200, body: bytes = b"", **headers: str) -> list[bytes]:
    """A raw response with a Content-Length unless `headers` say otherwise (`_` stands for `-`)."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    fields.setdefault("content-length", str(len(body)))
    head = f"HTTP/1.1 {status} Any\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    return [head.encode("latin-1") + b"\r\n" + body]


class LoopbackServer:
    """Answers every request with `script(request)`, piece by piece; keeps connections alive."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.script: Script = lambda _request: answer()
        self.requests: list[Received] = []
        self.connections = 0
        self.stopped = threading.Event()
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close_connections(self) -> None:
        """Closes what clients keep open, as a server does after its idle time."""
        for connection in tuple(self._open):  # not those that clients open because of it
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        self.stopped.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.close_connections()
        for thread in self._threads:
            thread.join(timeout=5)

    def _accept(self) -> None:
        while not self.stopped.is_set():
            try:
                connection, _peer = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError, ValueError):
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            with connection.makefile("rb") as stream:
                while request := _read_request(stream):
                    self.requests.append(request)
                    for piece in self.script(request):
                        connection.sendall(piece)
                    if request.header("x-then") == "close":
                        break
        connection.close()


def _read_request(stream: BinaryIO) -> Received | None:
    line = stream.readline().decode("latin-1").split()
    if len(line) != 3:
        return None
    headers: dict[str, list[str]] = {}
    while (field_line := stream.readline().decode("utf-8").strip("\r\n")) != "":
        name, _colon, value = field_line.partition(":")
        headers.setdefault(name.lower(), []).append(value.strip())
    length = int(headers.get("content-length", ["0"])[0])
    return Received(line[0], line[1], headers, stream.read(length))
