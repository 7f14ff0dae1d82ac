"""The server's address: one spelling, and never plain http to another machine."""

import pytest
from levqor_cli.errors import CliError
from levqor_cli.server_url import is_loopback, normalise


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("https://Levqor.Example/", "https://levqor.example"),
        ("https://levqor.example:443", "https://levqor.example"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("http://localhost:80", "http://localhost"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://levqor.example/base/", "https://levqor.example/base"),
        ("  https://levqor.example  ", "https://levqor.example"),
    ],
)
def test_addresses_have_one_spelling(given: str, expected: str) -> None:
    assert normalise(given) == expected


@pytest.mark.parametrize(
    "given",
    [
        "http://levqor.example",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://app.localhost",
        "http://0.0.0.0:8000",
        "http://10.0.0.5",
        "http://[::ffff:10.0.0.5]",
        "http://2130706433",
    ],
)
def test_plain_http_to_another_machine_is_refused(given: str) -> None:
    with pytest.raises(CliError, match="Refusing plain http"):
        normalise(given)


@pytest.mark.parametrize(
    "given",
    [
        "levqor.example",
        "ftp://levqor.example",
        "https://",
        "https://user:pass@levqor.example",
        "https://levqor.example/?a=b",
        "https://levqor.example:notaport",
        "https://[::1",
    ],
)
def test_what_is_no_server_address_is_refused(given: str) -> None:
    with pytest.raises(CliError):
        normalise(given)


def test_loopback_hosts() -> None:
    assert all(is_loopback(host) for host in ("localhost", "LOCALHOST", "127.0.0.1", "127.8.9.1", "::1"))
    assert not any(is_loopback(host) for host in ("example.com", "127.0.0.1.nip.io", "10.0.0.1", ""))
