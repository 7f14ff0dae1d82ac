"""Connections that are kept: by origin, never mixed up, replaced when they die."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from apps.core.http import GuardedClient, HttpFailureError, ResponseTooLargeError
from tests.common.loopback import LoopbackServer, Received, answer
from tests.unit.core.http.conftest import FakeInternet

Make = Callable[..., GuardedClient]


def test_connections_are_kept_by_origin(client: GuardedClient, server: LoopbackServer, internet: FakeInternet) -> None:
    for _again in range(3):
        client.request("GET", "http://public.example/")
        client.request("GET", "http://other.example/")
    assert server.connections == 2
    assert internet.lookups == ["public.example", "other.example"]


def test_an_unread_answer_spoils_its_connection_only(local: GuardedClient, server: LoopbackServer) -> None:
    server.script = lambda request: answer(body=b"x" * 1_000_000 if request.path == "/big" else b"small")
    for _again in range(3):
        with pytest.raises(ResponseTooLargeError):
            local.request("GET", f"{server.url}/big", max_bytes=10)
        assert local.request("GET", server.url).body == b"small"


def test_a_connection_that_the_server_closed_is_replaced(local: GuardedClient, server: LoopbackServer) -> None:
    for method in ("GET", "POST", "DELETE"):
        assert local.request(method, server.url).status == 200
        server.close_connections()
    assert len(server.requests) == 3


def closing_on_second_request(server: LoopbackServer) -> Callable[[Received], Iterator[bytes]]:
    """The server's idle time ends at the very moment at which the second request arrives."""

    def script(_request: Received) -> Iterator[bytes]:
        if len(server.requests) == 2:
            server.close_connections()
            return
        yield from answer()

    return script


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_a_request_that_met_a_dying_connection_is_sent_again(
    local: GuardedClient, server: LoopbackServer, method: str
) -> None:
    server.script = closing_on_second_request(server)
    assert local.request(method, server.url).status == 200
    assert local.request(method, server.url).status == 200
    assert [request.method for request in server.requests] == [method] * 3


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_what_may_have_been_done_is_not_sent_again(local: GuardedClient, server: LoopbackServer, method: str) -> None:
    server.script = closing_on_second_request(server)
    assert local.request(method, server.url).status == 200
    with pytest.raises(HttpFailureError) as caught:
        local.request(method, server.url)
    assert (caught.value.transient, caught.value.maybe_sent) == (True, True)
    assert len(server.requests) == 2


def test_a_fresh_connection_that_breaks_is_not_tried_again(local: GuardedClient, server: LoopbackServer) -> None:
    def script(_request: Received) -> Iterator[bytes]:
        server.close_connections()
        yield from ()

    server.script = script
    with pytest.raises(HttpFailureError):
        local.request("GET", server.url)
    assert len(server.requests) == 1


@pytest.mark.parametrize("together", [True, False])
def test_extra_bytes_after_an_answer_answer_nobody(
    local: GuardedClient, server: LoopbackServer, together: bool
) -> None:
    """A server that sends two answers at once must not answer the next caller's request in advance."""
    sent = threading.Event()

    def script(request: Received) -> Iterator[bytes]:
        own, surplus = answer(body=request.path.encode())[0], answer(body=b"POISON")[0]
        if request.path == "/second":
            yield own
        else:
            yield from [own + surplus] if together else [own, surplus]
            sent.set()

    server.script = script
    assert local.request("GET", f"{server.url}/first").body == b"/first"
    assert sent.wait(5)
    assert local.request("GET", f"{server.url}/second").body == b"/second"
    assert server.connections == 2


def test_threads_share_a_client_and_get_their_own_answers(local: GuardedClient, server: LoopbackServer) -> None:
    server.script = lambda request: answer(body=request.body)

    def call(number: int) -> bool:
        return local.request("POST", server.url, content=f"message {number}").text() == f"message {number}"

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(call, range(200)))
    assert server.connections <= 8 + 4
