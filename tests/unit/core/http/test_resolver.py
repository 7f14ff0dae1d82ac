import socket
import threading
import time
from ipaddress import ip_address

import pytest

from apps.core.http import HttpFailureError, HttpTimeoutError
from apps.core.http.addresses import IPAddress
from apps.core.http.resolver import Resolver, system_lookup


def soon(seconds: float = 5) -> float:
    return time.monotonic() + seconds


def test_the_system_finds_loopback() -> None:
    assert ip_address("127.0.0.1") in Resolver().resolve("localhost", 80, soon())


def test_duplicate_answers_are_given_once(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 80))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: [entry, entry])
    assert system_lookup("example.com", 80) == [ip_address("8.8.8.8")]


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), False),
        (socket.gaierror(socket.EAI_AGAIN, "try again"), True),
        (UnicodeError("label too long"), False),
    ],
)
def test_a_failed_look_up_says_whether_to_try_again(error: Exception, transient: bool) -> None:
    def fail(_host: str, _port: int) -> list[IPAddress]:
        raise error

    with pytest.raises(HttpFailureError) as caught:
        Resolver(fail).resolve("nowhere.example", 80, soon())
    assert (caught.value.code, caught.value.transient, caught.value.maybe_sent) == ("dns_failure", transient, False)


def test_no_address_is_a_failure() -> None:
    with pytest.raises(HttpFailureError):
        Resolver(lambda _host, _port: []).resolve("empty.example", 80, soon())


def test_hanging_look_ups_end_at_the_deadline_and_are_bounded() -> None:
    release = threading.Event()

    def hang(_host: str, _port: int) -> list[IPAddress]:
        release.wait(10)
        return [ip_address("8.8.8.8")]

    resolver = Resolver(hang, max_lookups=2)
    before = threading.active_count()
    started = time.monotonic()
    for _attempt in range(4):
        with pytest.raises(HttpTimeoutError) as caught:
            resolver.resolve("slow.example", 80, soon(0.05))
        assert caught.value.transient
    assert time.monotonic() - started < 2
    assert threading.active_count() - before <= 2
    release.set()
    assert resolver.resolve("slow.example", 80, soon()) == [ip_address("8.8.8.8")]  # the slots came back
