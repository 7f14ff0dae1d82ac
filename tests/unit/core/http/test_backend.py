import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from apps.core.http import (
    BlockedAddressError,
    GuardedClient,
    HttpFailureError,
    HttpTimeoutError,
    InvalidRequestError,
)
from apps.core.http.backend import REFUSED_PORTS, dial_tcp
from tests.common.loopback import LoopbackServer, answer
from tests.unit.core.http.conftest import PUBLIC, FakeInternet

Make = Callable[..., GuardedClient]


def test_the_connection_goes_to_the_checked_address(client: GuardedClient, internet: FakeInternet) -> None:
    assert client.request("GET", "http://public.example:8080/").status == 200
    assert internet.lookups == ["public.example"]
    assert internet.dialled == [(PUBLIC, 8080)]


def test_rebinding_finds_no_window(make_client: Make, internet: FakeInternet) -> None:
    """The name answers publicly when it is checked and privately ever after: the second answer is never asked for."""
    internet.names["rebind.example"] = [[PUBLIC], ["127.0.0.1"]]
    client = make_client()
    assert client.request("GET", "http://rebind.example/").status == 200
    assert (internet.lookups, internet.dialled) == (["rebind.example"], [(PUBLIC, 80)])
    client.close()
    with pytest.raises(BlockedAddressError):
        make_client().request("GET", "http://rebind.example/")
    assert internet.dialled == [(PUBLIC, 80)]


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["169.254.169.254"], [PUBLIC, "10.0.0.1"], ["10.0.0.1", PUBLIC], [PUBLIC, "::1"],
     [PUBLIC, PUBLIC, "fe80::1%eth0"], ["::ffff:10.0.0.1"], ["64:ff9b::a00:1"]],
)  # fmt: skip
def test_one_private_answer_refuses_the_name(
    client: GuardedClient, internet: FakeInternet, addresses: list[str]
) -> None:
    internet.names["mixed.example"] = [addresses]
    with pytest.raises(BlockedAddressError) as caught:
        client.request("GET", "http://mixed.example/")
    assert internet.dialled == []
    assert (caught.value.transient, caught.value.maybe_sent) == (False, False)
    assert not any(address in caught.value.detail for address in addresses), "an inner address must not be told"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1.", "10.1.2.3", "169.254.169.254", "0.0.0.1", "255.255.255.255", "224.0.0.1",
     "[::1]", "[::]", "[fd00:ec2::254]", "[fe80::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
     "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "[2001::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "2130706433",
     "127.1", "0x7f.1", "017700000001", "127。0。0。1", "１２７.０.０.１"],
)  # fmt: skip
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_private_literals_are_refused_before_any_packet(
    client: GuardedClient, internet: FakeInternet, scheme: str, host: str
) -> None:
    with pytest.raises((BlockedAddressError, InvalidRequestError)) as caught:
        client.request("GET", f"{scheme}://{host}:8443/")
    assert caught.value.status == 422
    assert (internet.lookups, internet.dialled) == ([], [])


@pytest.mark.parametrize("port", sorted(REFUSED_PORTS))
def test_some_ports_are_closed(client: GuardedClient, internet: FakeInternet, port: int) -> None:
    with pytest.raises(BlockedAddressError):
        client.request("POST", f"http://public.example:{port}/", content="MAIL FROM:<a@b>")
    assert (internet.lookups, internet.dialled) == ([], [])


def test_the_next_address_is_tried(client: GuardedClient, internet: FakeInternet) -> None:
    internet.names["many.example"] = [["8.8.4.4", PUBLIC]]
    internet.silent = {"8.8.4.4"}
    assert client.request("GET", "http://many.example/").status == 200
    assert internet.dialled == [("8.8.4.4", 80), (PUBLIC, 80)]


def test_a_long_list_of_addresses_is_no_port_scan(client: GuardedClient, internet: FakeInternet) -> None:
    internet.names["many.example"] = [[f"8.8.4.{number}" for number in range(1, 100)]]
    internet.silent = {f"8.8.4.{number}" for number in range(1, 100)}
    with pytest.raises(HttpTimeoutError) as caught:
        client.request("GET", "http://many.example/")
    assert len(internet.dialled) == 4
    assert not caught.value.maybe_sent


# The allow list ------------------------------------------------------------------------------------------------------


def test_the_allow_list_opens_its_host_and_port(server: LoopbackServer) -> None:
    client = GuardedClient(allowed=[f"localhost:{server.port}", f"127.0.0.1:{server.port}"])
    assert client.request("GET", f"http://127.0.0.1:{server.port}/").status == 200
    assert client.request("GET", f"http://LOCALHOST:{server.port}/").status == 200
    client.close()


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:{other}/", "http://127.0.0.1/", "https://127.0.0.1/", "http://127.0.0.2:{port}/",
     "http://127.1:{port}/", "http://2130706433:{port}/", "http://0x7f000001:{port}/", "http://[::1]:{port}/",
     "http://[::ffff:127.0.0.1]:{port}/", "http://0.0.0.0:{port}/", "http://localhost:{port}/",
     "http://alias.example:{port}/", "http://127.0.0.1.nip.example:{port}/", "http://127.0.0.1:{port}@10.0.0.1/"],
)  # fmt: skip
def test_the_allow_list_opens_nothing_else(
    make_client: Make, internet: FakeInternet, server: LoopbackServer, url: str
) -> None:
    internet.names |= {name: [["127.0.0.1"]] for name in ("alias.example", "127.0.0.1.nip.example", "localhost")}
    client = make_client(allowed=[f"127.0.0.1:{server.port}"])
    with pytest.raises((BlockedAddressError, InvalidRequestError)) as caught:
        client.request("GET", url.format(port=server.port, other=server.port % 65535 + 1))
    assert caught.value.status == 422
    assert server.requests == []
    assert internet.dialled == []


def test_nothing_is_allowed_by_default(server: LoopbackServer) -> None:
    client = GuardedClient()
    with pytest.raises(BlockedAddressError):
        client.request("GET", server.url)
    client.close()


# Sockets -------------------------------------------------------------------------------------------------------------


def test_dialling_a_closed_port_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(OSError, match="refused"):
        dial_tcp(ip_address("127.0.0.1"), port, 5)


def test_ipv6_is_spoken() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        sock = dial_tcp(ip_address("::1"), listener.getsockname()[1], 5)
        assert sock.getpeername()[0] == "::1"
        sock.close()


# TLS -----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext, list[str | None]]:
    """Server and client contexts for a certificate of `shop.example`, and the names that clients asked for."""
    folder: Path = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop.example")])
    start = datetime.now(UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("shop.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "shop.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    asked: list[str | None] = []
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(pem)
    serving.sni_callback = lambda _sock, server_name, _context: asked.append(server_name)
    return serving, ssl.create_default_context(cafile=pem), asked


def test_tls_is_verified_for_the_name_in_the_url(
    shop: tuple[ssl.SSLContext, ssl.SSLContext, list[str | None]], make_client: Make, internet: FakeInternet
) -> None:
    serving, trusting, asked = shop
    server = LoopbackServer(serving)
    internet.port = server.port
    internet.names |= {"shop.example": [[PUBLIC]], "bank.example": [[PUBLIC]]}
    try:
        server.script = lambda _request: answer(body=b"hello" * 50_000)
        client = make_client(ssl_context=trusting)
        for _again in range(2):
            assert client.request("GET", "https://shop.example/").body == b"hello" * 50_000
        assert (asked, internet.dialled) == (["shop.example"], [(PUBLIC, 443)])
        for context, url in ((trusting, "https://bank.example/"), (None, "https://shop.example/")):
            with pytest.raises(HttpFailureError) as caught:
                make_client(ssl_context=context).request("GET", url)
            assert (caught.value.code, caught.value.transient, caught.value.maybe_sent) == ("tls_failure", False, False)
    finally:
        server.stop()


@pytest.mark.parametrize(("greeting", "transient"), [(b"220 mail.example ready\r\n", False), (b"", True)])
def test_a_server_without_tls(make_client: Make, internet: FakeInternet, greeting: bytes, transient: bool) -> None:
    def greet() -> None:
        connection, _peer = listener.accept()
        with connection, suppress(OSError):
            connection.sendall(greeting)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65_536):  # until the client hangs up: closing over unread bytes would reset
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        internet.port = listener.getsockname()[1]
        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        with pytest.raises(HttpFailureError) as caught:
            make_client().request("GET", "https://public.example/", timeout=10)
        thread.join(timeout=5)
    assert (caught.value.code, caught.value.transient, caught.value.maybe_sent) == ("tls_failure", transient, False)


def test_a_silent_handshake_ends_at_the_deadline(make_client: Make, internet: FakeInternet) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        internet.port = silent.getsockname()[1]
        started = time.monotonic()
        with pytest.raises(HttpTimeoutError) as caught:
            make_client().request("GET", "https://public.example/", timeout=0.2)
        assert time.monotonic() - started < 2
        assert (caught.value.transient, caught.value.maybe_sent) == (True, False)
