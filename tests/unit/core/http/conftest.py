"""A client whose look-ups and connections are in the test's hands; every address leads to a loopback server."""

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address

import pytest

from apps.core.http import GuardedClient
from apps.core.http.addresses import IPAddress
from apps.core.http.resolver import Resolver
from tests.common.loopback import LoopbackServer

PUBLIC = "93.184.215.14"


@dataclass
class FakeInternet:
    """Names and their addresses, as a hostile or a friendly DNS would give them; records what is connected to."""

    names: dict[str, list[list[str]]] = field(default_factory=dict)
    port: int = 0
    lookups: list[str] = field(default_factory=list)
    dialled: list[tuple[str, int]] = field(default_factory=list)
    silent: set[str] = field(default_factory=set)

    def lookup(self, host: str, _port: int) -> list[IPAddress]:
        """Each call gives the next answer of the host, the last one again and again."""
        self.lookups.append(host)
        answers = self.names.get(host)
        if answers is None:
            raise socket.gaierror(socket.EAI_NONAME, "unknown name")
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [ip_address(address) for address in found]

    def dial(self, address: IPAddress, port: int, timeout: float) -> socket.socket:
        """Every address leads to the loopback server."""
        self.dialled.append((str(address), port))
        if str(address) in self.silent:
            raise TimeoutError("timed out")
        return socket.create_connection(("127.0.0.1", self.port), timeout)


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    running = LoopbackServer()
    yield running
    running.stop()


@pytest.fixture
def internet(server: LoopbackServer) -> FakeInternet:
    return FakeInternet({"public.example": [[PUBLIC]], "other.example": [["1.1.1.1"]]}, server.port)


@pytest.fixture
def make_client(internet: FakeInternet) -> Iterator[Callable[..., GuardedClient]]:
    clients: list[GuardedClient] = []

    def make(**options: object) -> GuardedClient:
        client = GuardedClient(resolver=Resolver(internet.lookup), dial=internet.dial, **options)  # type: ignore[arg-type]
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(make_client: Callable[..., GuardedClient]) -> GuardedClient:
    """A client that finds `public.example` and `other.example`; nothing private is allowed."""
    return make_client()


@pytest.fixture
def local(server: LoopbackServer) -> Iterator[GuardedClient]:
    """A client of the real network, to which the loopback server is allowed by its address."""
    running = GuardedClient(allowed=[f"127.0.0.1:{server.port}"])
    yield running
    running.close()
