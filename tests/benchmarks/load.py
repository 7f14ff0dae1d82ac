"""A load generator that costs little: prepared requests over a few kept connections, one outstanding on each.

It is bounded by a number of requests and by time, speaks to this machine alone, and stops at the first answer that is
not the wanted one.
"""

import os
import select
import socket
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

HOST = "127.0.0.1"
CONNECTIONS = 8
PATIENCE = 180.0  # the first call of each key reads it, and begins its counter
END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True)
class Measured:
    """What a number of requests took. `busy` is the share of the time in which the generator itself computed."""

    seconds: float
    busy: float
    latencies: Sequence[float]

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, part: int) -> float:
        """Milliseconds within which so many percent were answered."""
        return 1000 * statistics.quantiles(self.latencies, n=100, method="inclusive")[part - 1]


def get(path: str, *headers: str) -> bytes:
    """A request as it goes over the wire."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {HOST}", "Accept: */*", "User-Agent: bench", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def fire(port: int, requests: Sequence[bytes], count: int, connections: int = CONNECTIONS) -> Measured:
    """Send `count` requests, taking them in turn. Raises `AssertionError` for an answer other than 200, or too late."""
    clock = time.perf_counter
    began_at = [0.0] * (connections + max(64, _highest_descriptor()))
    sockets = {}
    poll = select.epoll()
    latencies: list[float] = []
    sent = 0
    used, began = time.process_time(), clock()
    try:
        for _number in range(min(connections, count)):
            connection = _connected(port)
            sockets[connection.fileno()] = connection
            poll.register(connection.fileno(), select.EPOLLIN)
        for descriptor, connection in sockets.items():
            began_at[descriptor] = clock()
            connection.send(requests[sent % len(requests)])
            sent += 1
        while len(latencies) < count:
            ready = poll.poll(1)
            assert clock() - began < PATIENCE, f"{len(latencies)} of {count} answers within {PATIENCE:.0f} s"
            for descriptor, _event in ready:
                connection = sockets[descriptor]
                _read_answer(connection)
                moment = clock()
                latencies.append(moment - began_at[descriptor])
                if sent < count:
                    began_at[descriptor] = moment
                    connection.send(requests[sent % len(requests)])
                    sent += 1
        seconds = clock() - began
        return Measured(seconds, (time.process_time() - used) / seconds, latencies)
    finally:
        poll.close()
        for connection in sockets.values():
            connection.close()


def body(port: int, request: bytes) -> bytes:
    """The body of one answer."""
    with _connected(port) as connection:
        connection.send(request)
        return _read_answer(connection)


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Run a block on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _connected(port: int) -> socket.socket:
    connection = socket.create_connection((HOST, port), timeout=PATIENCE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _read_answer(connection: socket.socket) -> bytes:
    """The body of the answer that is coming in."""
    data = connection.recv(65536)
    while (end := data.find(END_OF_HEAD)) < 0:
        data += _more(connection, data)
    assert data.startswith(b"HTTP/1.1 200"), data.decode(errors="replace")
    start = data.lower().index(b"content-length:", 0, end + 2) + 15
    length = int(data[start : data.index(b"\r", start)])
    end += len(END_OF_HEAD)
    while len(data) < end + length:
        data += _more(connection, data)
    return data[end : end + length]


def _more(connection: socket.socket, data: bytes) -> bytes:
    more = connection.recv(65536)
    assert more, f"the connection ended after {data!r}"
    return more


def _highest_descriptor() -> int:
    return max(int(name) for name in os.listdir("/proc/self/fd"))
