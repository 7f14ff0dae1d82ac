import os
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from apps.core import http
from apps.core.http import shared
from tests.common.loopback import LoopbackServer


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    http.close_connections()
    yield
    http.close_connections()


@pytest.fixture
def allowed(settings: Settings, server: LoopbackServer) -> None:
    settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{server.port}"]


@pytest.mark.usefixtures("allowed")
def test_one_client_keeps_the_connections_of_the_process(server: LoopbackServer) -> None:
    for _again in range(5):
        assert http.request("GET", server.url).status == 200
    assert server.connections == 1


@pytest.mark.usefixtures("allowed")
def test_it_says_who_calls(server: LoopbackServer, settings: Settings) -> None:
    http.request("GET", server.url)
    assert server.requests[0].header("user-agent") == f"Levqor/{settings.VERSION}"


@pytest.mark.usefixtures("allowed")
def test_a_withdrawn_permission_closes_kept_connections(server: LoopbackServer, settings: Settings) -> None:
    assert http.request("GET", server.url).status == 200
    settings.OUTBOUND_ALLOWED_HOSTS = []
    with pytest.raises(http.BlockedAddressError):
        http.request("GET", server.url)
    assert len(server.requests) == 1


@pytest.mark.usefixtures("allowed")
def test_a_forked_child_opens_its_own_connections(server: LoopbackServer) -> None:
    assert http.request("GET", server.url).status == 200
    child = os.fork()
    if child == 0:
        fresh = shared._shared._current is None
        answered = fresh and http.request("GET", server.url, timeout=5).status == 200
        os._exit(0 if answered else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert server.connections == 2
    assert http.request("GET", server.url).status == 200
    assert server.connections == 2, "the parent's connection survives the child"
