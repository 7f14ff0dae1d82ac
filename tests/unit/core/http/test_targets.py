import pytest

from apps.core.http import BlockedAddressError, InvalidRequestError
from apps.core.http.targets import literal_address, normal_host, parse_allowed_hosts, parse_target

# Other ways to write an IPv4 address, most of them 127.0.0.1, 10.0.0.1 or 169.254.169.254.
OTHER_NOTATIONS = [
    "2130706433", "0x7f000001", "0x7F.1", "0x7f.0.0.1", "017700000001", "0177.1", "127.1", "127.0.1", "0", "0x0",
    "0x", "10.1", "1", "4294967295", "4294967296", "2852039166", "0xa9fea9fe", "0xA9.254.0xA9.254", "025177524776",
    "169.254.43518", "0x7f.0x0.0x0.0x1", "1.2.3.4.5", "8.8.8", "134744072", "0x8.8.8.8", "127.0.0.0x1",
    "foo.127", "foo.0x7f", "127.00.00.01", "00127.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("host", OTHER_NOTATIONS)
@pytest.mark.parametrize("suffix", ["", "."])
def test_ipv4_has_one_notation(host: str, suffix: str) -> None:
    with pytest.raises((BlockedAddressError, InvalidRequestError)):
        parse_target(f"http://{host}{suffix}/")


@pytest.mark.parametrize(
    "url",
    [
        "http://0177.0.0.1/",
        "http://127.0.0.01/",
        "http://256.1.1.1/",
        "http://999.999.999.999/",
        "http://127.0.0.1%00.example.com/",
        "http://127%2e0%2e0%2e1/",
        "http://１２７.０.０.１/",
        "http://①②⑦.⓪.⓪.①/",
        "http://exam‐ple.com/",
        "http://ｅｘａｍｐｌｅ.com/",
        "http://[::1%25eth0]/",
        "http://[::1%eth0]/",
        "http://[fe80::1%25lo]/",
        "http://[::1]extra/",
        "http://[127.0.0.1]/",
        "http://[::1/",
        "http://::1/",
        "http://[v1.fe80]/",
        "http://user@example.com/",
        "http://user:secret@example.com/",
        "http://example.com@127.0.0.1/",
        "http://example.com:80@127.0.0.1/",
        "http://example.com%40127.0.0.1/",
        "http://example.com\\@127.0.0.1/",
        "http://127.0.0.1\\.example.com/",
        "http://example.com\\/",
        "http://exa mple.com/",
        "http://exam\tple.com/",
        "http://example.com/\r\nX-Injected: 1",
        "http://example.com/\n",
        "http://example.com/\x00",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:-1/",
        "http://example.com:http/",
        "http:///path",
        "http://",
        "http:example.com",
        "http:/example.com",
        "//example.com/",
        "/path",
        "",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_x",
        "unix:///var/run/docker.sock",
        "ws://example.com/",
        "javascript:alert(1)",
        "data:text/plain,x",
        "http://.example.com/",
        "http://example..com/",
        "http://example.com../",
        "http://./",
        "http://-example.com/",
        "http://example-.com/",
        f"http://{'a' * 64}.com/",
        f"http://{'a.' * 127}com/",
        "http://exam$ple.com/",
        "http://<script>/",
        "http://example.com:80:80/",
        "http://\ud800.com/",
        "http://example.com/" + "a" * 70_000,
    ],
)
def test_tricks_are_refused(url: str) -> None:
    with pytest.raises((BlockedAddressError, InvalidRequestError)) as caught:
        parse_target(url)
    assert not caught.value.transient
    assert not caught.value.maybe_sent
    assert "secret" not in str(caught.value)


def test_ideographic_dots_do_not_hide_an_address() -> None:
    assert literal_address(parse_target("http://127。0。0。1/").host) is not None  # refused by its range


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port", "path", "header"),
    [
        ("HTTP://EXAMPLE.com", "http", "example.com", 80, b"/", "example.com"),
        ("https://example.com./a?b=c#d", "https", "example.com", 443, b"/a?b=c", "example.com"),
        ("https://example.com:8443/ä b", "https", "example.com", 8443, b"/%C3%A4%20b", "example.com:8443"),
        ("http://bücher.example/", "http", "xn--bcher-kva.example", 80, b"/", "xn--bcher-kva.example"),
        ("http://8.8.8.8:8080/", "http", "8.8.8.8", 8080, b"/", "8.8.8.8:8080"),
        ("http://8.8.8.8./", "http", "8.8.8.8", 80, b"/", "8.8.8.8"),
        ("http://[2606:4700:0:0::1111]/", "http", "2606:4700::1111", 80, b"/", "[2606:4700::1111]"),
        ("https://a_b-c.1password.com:443/", "https", "a_b-c.1password.com", 443, b"/", "a_b-c.1password.com"),
    ],
)
def test_a_url_becomes_one_destination(url: str, scheme: str, host: str, port: int, path: bytes, header: str) -> None:
    target = parse_target(url)
    assert (target.scheme, target.host, target.port, target.path) == (scheme, host, port, path)
    assert target.host_header == header
    assert target.origin == (scheme, host, port)


def test_names_are_no_literals() -> None:
    assert literal_address("example.com") is None
    assert str(literal_address("127.0.0.1")) == "127.0.0.1"
    assert str(literal_address("::1")) == "::1"
    assert normal_host("LOCALHOST.") == "localhost"


def test_the_allow_list_is_read_exactly() -> None:
    assert parse_allowed_hosts(["127.0.0.1:8000", "LocalHost:8000", "[0::1]:9"]) == {
        ("127.0.0.1", 8000),
        ("localhost", 8000),
        ("::1", 9),
    }


@pytest.mark.parametrize(
    "entry",
    ["localhost", "localhost:", ":8000", "::1:8000", "*:8000", "127.1:8000", "localhost:80000000", "a b:1", "", "x:-1"],
)
def test_a_sloppy_entry_of_the_allow_list_is_an_error(entry: str) -> None:
    with pytest.raises(ValueError, match="OUTBOUND_ALLOWED_HOSTS"):
        parse_allowed_hosts([entry])
