"""Web processes that are compared: each on one core, frozen while another is measured, asked over loopback."""

import os
import signal
from collections.abc import Sequence

from tests.benchmarks.load import Measured, fire, pinned
from tests.common.platform import Platform
from tests.common.processes import free_port

# The Procfile's, with one worker.
GRANIAN = ("--interface", "wsgi", "--host", "127.0.0.1", "--workers", "1", "--blocking-threads", "8", "--no-ws")
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = CORES[0], CORES[-1]


class Server:
    """A granian with one worker, which has a core to itself: the generator and Redis keep to another."""

    def __init__(self, platform: Platform, name: str, application: str, **settings: str) -> None:
        self.port = free_port()
        command = (
            "taskset",
            "--cpu-list",
            str(SERVER_CORE),
            "granian",
            *GRANIAN,
            "--port",
            str(self.port),
            application,
        )
        self.program = platform.program(name, *command, PORT=str(self.port), **settings)

    def start(self) -> None:
        """Start it, unless it runs."""
        if not self.program.running:
            self.program.start().wait_until("Started worker-1", 120)


class Address:
    """One kind of request to a server, as a contender of `rounds.alternate`. Every round's figures are kept."""

    def __init__(self, name: str, server: Server, requests: Sequence[bytes]) -> None:
        self.name, self.server, self.requests = name, server, requests
        self.measured: list[Measured] = []

    def start(self) -> None:
        self.server.program.signal(signal.SIGCONT)
        self.server.start()

    def cpu_seconds(self) -> float:
        return self.server.program.cpu_seconds()

    def measure(self, count: int) -> float:
        with pinned(LOAD_CORE):
            found = fire(self.server.port, self.requests, count)
        self.measured.append(found)
        return found.seconds

    def freeze(self) -> None:
        self.server.program.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.server.program.signal(signal.SIGCONT)

    def stop(self) -> None:
        self.server.program.stop()
