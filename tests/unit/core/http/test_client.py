import gzip
import math
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from apps.core.http import (
    BlockedAddressError,
    GuardedClient,
    GuardedHttpError,
    HttpFailureError,
    HttpTimeoutError,
    InvalidRequestError,
    ResponseTooLargeError,
)
from tests.common.loopback import LoopbackServer, Received, answer
from tests.unit.core.http.conftest import FakeInternet

Make = Callable[..., GuardedClient]


def dripping(server: LoopbackServer, head: bytes, drop: bytes) -> Callable[[Received], Iterator[bytes]]:
    """A script that sends `head` and then one `drop` every 10 ms until the test ends."""

    def script(_request: Received) -> Iterator[bytes]:
        yield head
        while not server.stopped.wait(0.01):
            yield drop

    return script


# A plain exchange ----------------------------------------------------------------------------------------------------


def test_request_and_response(local: GuardedClient, server: LoopbackServer) -> None:
    server.script = lambda _request: answer(
        404, b'{"a": 1}', Content_Type="application/json", X_One="1", x_one="2", X_Text="grün"
    )
    response = local.request(
        "patch", f"{server.url}/p?a=1#frag", headers={"X-Name": "Zoë"}, params={"b": 2}, json={"k": "ü"}, timeout=5
    )
    assert (response.status, response.json(), response.ok) == (404, {"a": 1}, False)
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-one"] == "1, 2"
    assert response.url == f"{server.url}/p?a=1&b=2#frag"
    assert 0 <= response.elapsed_ms < 5000
    sent = server.requests[0]
    assert (sent.method, sent.path, sent.body) == ("PATCH", "/p?a=1&b=2", '{"k":"ü"}'.encode())
    assert sent.headers == {
        "host": [f"127.0.0.1:{server.port}"],
        "user-agent": ["Levqor"],
        "accept": ["*/*"],
        "accept-encoding": ["gzip, deflate"],
        "content-type": ["application/json"],
        "x-name": ["Zoë"],
        "content-length": ["10"],
    }


def test_compressed_and_chunked(local: GuardedClient, server: LoopbackServer) -> None:
    packed = gzip.compress(b"hello " * 100)
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (packed[:9], packed[9:])) + b"0\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n"
    server.script = lambda _request: [head, chunks]
    assert local.request("GET", server.url).text() == "hello " * 100


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_answers_without_body(local: GuardedClient, server: LoopbackServer, method: str, status: int) -> None:
    server.script = lambda _request: answer(status, content_length="9999999", content_encoding="gzip")
    response = local.request(method, server.url, max_bytes=10)
    assert (response.status, response.body) == (status, b"")


def test_no_cookie_is_kept(local: GuardedClient, server: LoopbackServer) -> None:
    server.script = lambda _request: answer(set_cookie="session=1; Path=/")
    local.request("GET", server.url)
    local.request("GET", server.url)
    assert server.requests[1].header("cookie") is None


def test_proxies_of_the_environment_are_not_asked(
    local: GuardedClient, server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert local.request("GET", server.url).status == 200
    assert server.requests[0].path == "/"


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 0},
        {"timeout": -1},
        {"timeout": math.nan},
        {"timeout": math.inf},
        {"timeout": 3601},
        {"max_bytes": -1},
    ],
)
def test_limits_must_make_sense(local: GuardedClient, server: LoopbackServer, options: dict[str, float]) -> None:
    with pytest.raises(InvalidRequestError):
        local.request("GET", server.url, **options)  # type: ignore[arg-type]


def test_injection_sends_nothing(local: GuardedClient, server: LoopbackServer) -> None:
    for headers in ({"X-A": "1\r\nX-B: 2"}, {"X-A\r\nX-B": "1"}, {"Host": "evil.example"}):
        with pytest.raises(InvalidRequestError):
            local.request("GET", server.url, headers=headers)
    with pytest.raises(InvalidRequestError):
        local.request("GET\r\nX-A: 1", server.url)
    assert server.connections == 0


# Limits --------------------------------------------------------------------------------------------------------------


def test_a_declared_length_over_the_limit_is_not_read(local: GuardedClient, server: LoopbackServer) -> None:
    server.script = dripping(server, b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", b"")
    with pytest.raises(ResponseTooLargeError) as caught:
        local.request("GET", server.url, max_bytes=100, timeout=5)
    assert (caught.value.transient, caught.value.maybe_sent) == (False, True)


def test_an_endless_body_stops_at_the_limit(local: GuardedClient, server: LoopbackServer) -> None:
    server.script = dripping(server, b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 50_000)
    with pytest.raises(ResponseTooLargeError):
        local.request("GET", server.url, max_bytes=100_000, timeout=10)


def test_a_bomb_stops_at_the_limit(local: GuardedClient, server: LoopbackServer) -> None:
    bomb = gzip.compress(bytes(50_000_000), compresslevel=1)
    server.script = lambda _request: answer(body=bomb, content_encoding="gzip")
    with pytest.raises(ResponseTooLargeError):
        local.request("GET", server.url)


@pytest.mark.parametrize("size", [70_000, 90_000, 300_000])
def test_headers_have_a_limit(local: GuardedClient, server: LoopbackServer, size: int) -> None:
    server.script = lambda _request: answer(x_big="a" * size)
    with pytest.raises(ResponseTooLargeError) as caught:
        local.request("GET", server.url)
    assert caught.value.maybe_sent


def test_the_limits_leave_room(local: GuardedClient, server: LoopbackServer) -> None:
    server.script = lambda _request: answer(body=b"x" * 1000, x_big="a" * 60_000)
    assert len(local.request("GET", server.url, max_bytes=1000).body) == 1000


# The deadline --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (b"", b""),
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 10000\r\n\r\n", b"x"),
    ],
    ids=["silence", "headers", "continue", "body", "chunks", "redirect"],
)
def test_dripping_answers_end_at_the_deadline(
    local: GuardedClient, server: LoopbackServer, head: bytes, drop: bytes
) -> None:
    server.script = dripping(server, head, drop)
    started = time.monotonic()
    with pytest.raises(HttpTimeoutError) as caught:
        local.request("GET", server.url, timeout=0.3)
    assert 0.25 < time.monotonic() - started < 2
    assert (caught.value.transient, caught.value.maybe_sent, caught.value.status) == (True, True, 504)


def test_a_server_that_does_not_read_ends_at_the_deadline(make_client: Make, internet: FakeInternet) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        internet.port = deaf.getsockname()[1]
        started = time.monotonic()
        with pytest.raises(HttpTimeoutError):
            make_client().request("POST", "http://public.example/", content=b"x" * 20_000_000, timeout=0.3)
        assert time.monotonic() - started < 2


def test_redirects_share_one_deadline(local: GuardedClient, server: LoopbackServer) -> None:
    def script(_request: Received) -> Iterator[bytes]:
        server.stopped.wait(0.06)
        yield from answer(302, location="/again")

    server.script = script
    with pytest.raises(HttpTimeoutError):
        local.request("GET", server.url, timeout=0.2)
    assert len(server.requests) <= 4


# Redirects -----------------------------------------------------------------------------------------------------------


def test_redirects_are_followed_with_method_and_headers(client: GuardedClient, server: LoopbackServer) -> None:
    def script(request: Received) -> list[bytes]:
        if request.path == "/a":
            return answer(307, b"moved", location="/b")
        if request.path == "/b":
            return answer(302, location="http://other.example/c")
        return answer(body=b"done")

    server.script = script
    response = client.request("POST", "http://public.example/a", headers={"X-Api-Key": "k"}, content="body")
    assert (response.status, response.body, response.url) == (200, b"done", "http://other.example/c")
    seen = [(r.method, r.path, r.header("host"), r.header("x-api-key"), r.body) for r in server.requests]
    assert seen == [
        ("POST", "/a", "public.example", "k", b"body"),
        ("POST", "/b", "public.example", "k", b"body"),
        ("GET", "/c", "other.example", None, b""),
    ]
    assert server.connections == 2


def test_redirects_are_returned_when_asked_for(local: GuardedClient, server: LoopbackServer) -> None:
    server.script = lambda _request: answer(302, b"there", location="http://10.0.0.1/")
    response = local.request("GET", server.url, follow_redirects=False)
    assert (response.status, response.headers["location"], response.body) == (302, "http://10.0.0.1/", b"there")


@pytest.mark.parametrize("status", [300, 304, 305, 306])
def test_other_3xx_are_answers(local: GuardedClient, server: LoopbackServer, status: int) -> None:
    server.script = lambda _request: answer(status, location="/x")
    assert local.request("GET", server.url).status == status


def test_a_redirect_without_location_is_an_answer(local: GuardedClient, server: LoopbackServer) -> None:
    server.script = lambda _request: answer(302)
    assert local.request("GET", server.url).status == 302


@pytest.mark.parametrize("hops", [5, 6])
def test_five_redirects_are_enough(local: GuardedClient, server: LoopbackServer, hops: int) -> None:
    def script(request: Received) -> list[bytes]:
        number = int(request.path.strip("/") or 0)
        return answer(301, location=f"/{number + 1}") if number < hops else answer()

    server.script = script
    if hops == 5:
        assert local.request("GET", server.url).url == f"{server.url}/5"
    else:
        with pytest.raises(HttpFailureError) as caught:
            local.request("GET", server.url)
        assert (caught.value.code, caught.value.transient) == ("too_many_redirects", False)
        assert len(server.requests) == 6


@pytest.mark.parametrize(
    "location",
    ["http://127.0.0.1/", "http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://2130706433:{port}/",
     "//[::1]:{port}/", "http://169.254.169.254/latest/meta-data/", "http://inner.example/", "http://0:{port}/",
     "http://public.example:25/"],
)  # fmt: skip
def test_redirects_to_private_places_are_refused(
    client: GuardedClient, internet: FakeInternet, server: LoopbackServer, location: str
) -> None:
    internet.names |= {"inner.example": [["10.0.0.1"]], "localhost": [["127.0.0.1", "::1"]]}
    server.script = lambda _request: answer(302, location=location.format(port=server.port))
    with pytest.raises(BlockedAddressError):
        client.request("GET", "http://public.example/")
    assert len(server.requests) == len(internet.dialled) == 1


def test_the_allow_list_holds_for_redirects_exactly(
    make_client: Make, internet: FakeInternet, server: LoopbackServer
) -> None:
    client = make_client(allowed=[f"127.0.0.1:{server.port}"])
    places = [f"http://127.0.0.1:{server.port}/in", "http://127.0.0.1:1/"]
    server.script = lambda request: answer() if request.path == "/in" else answer(302, location=places[0])
    assert client.request("GET", "http://public.example/").url == places[0]
    server.script = lambda _request: answer(302, location=places[1])
    with pytest.raises(BlockedAddressError):
        client.request("GET", places[0])
    assert ("127.0.0.1", 1) not in internet.dialled


# Failures ------------------------------------------------------------------------------------------------------------


def test_a_closed_port_is_a_failure_worth_another_try(make_client: Make, internet: FakeInternet) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        internet.port = taken.getsockname()[1]
    with pytest.raises(HttpFailureError) as caught:
        make_client().request("POST", "http://public.example/secret?token=hush")
    error = caught.value
    assert (error.code, error.transient, error.maybe_sent) == ("connection_failed", True, False)
    assert "hush" not in str(error)
    assert "secret" not in str(error)


def test_an_unknown_name(client: GuardedClient) -> None:
    with pytest.raises(HttpFailureError) as caught:
        client.request("GET", "http://nowhere.example/")
    assert (caught.value.code, caught.value.transient, caught.value.maybe_sent) == ("dns_failure", False, False)


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nBad Header: x\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.1 999999 OK\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"\x00\x01\x02",
        b"",
    ],
)
def test_no_valid_answer_is_a_failure(local: GuardedClient, server: LoopbackServer, raw: bytes) -> None:
    server.script = lambda _request: [raw]
    with pytest.raises(HttpFailureError) as caught:
        local.request("POST", server.url, headers={"X-Then": "close"}, timeout=5)
    assert caught.value.code in ("bad_response", "connection_lost")
    assert (caught.value.transient, caught.value.maybe_sent) == (True, True)


def test_every_error_is_a_problem_that_names_no_path(local: GuardedClient) -> None:
    for url in ("http://10.0.0.1/hush", "nonsense://hush", "http://[hush", "http://u:hush@x/", "http://x:hush/"):
        with pytest.raises(GuardedHttpError) as caught:
            local.request("GET", url)
        assert "hush" not in str(caught.value)
        assert caught.value.code.startswith("outbound_")
