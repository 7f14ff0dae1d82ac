from typing import Any

import pytest

from apps.core.http import BlockedAddressError, HttpFailureError, InvalidRequestError
from apps.core.http.outgoing import Outgoing, build

SECRETS = {"Authorization": "Bearer s", "Cookie": "a=b", "X-Api-Key": "k", "X-Whatever": "v"}


def make(method: str = "GET", url: str = "https://a.example/x", **options: Any) -> Outgoing:
    given: dict[str, Any] = {"headers": None, "params": None, "json": None, "content": None, "user_agent": "Levqor/1"}
    return build(method, url, **{**given, **options})


def names(outgoing: Outgoing) -> set[str]:
    return {name for name, _value in outgoing.headers}


def test_what_we_say_by_ourselves() -> None:
    assert make("post", json={"ä": [1, None]}).wire_headers() == [
        (b"host", b"a.example"),
        (b"user-agent", b"Levqor/1"),
        (b"accept", b"*/*"),
        (b"accept-encoding", b"gzip, deflate"),
        (b"content-type", b"application/json"),
        (b"content-length", b"15"),
    ]
    assert make("post", json={"ä": [1, None]}).body == '{"ä":[1,null]}'.encode()


def test_callers_replace_our_defaults_in_any_case_of_letters() -> None:
    wire = make(headers={"USER-agent": "mine", "Accept": "text/plain", "accept-ENCODING": "identity"}).wire_headers()
    assert wire[1:] == [(b"user-agent", b"mine"), (b"accept", b"text/plain"), (b"accept-encoding", b"identity")]


@pytest.mark.parametrize(
    ("method", "content", "length"),
    [("POST", None, b"0"), ("PUT", "", b"0"), ("PATCH", b"abc", b"3"), ("POST", "ä", b"2"), ("DELETE", "x", b"1")],
)
def test_a_body_has_its_length(method: str, content: bytes | str | None, length: bytes) -> None:
    assert (b"content-length", length) in make(method, content=content).wire_headers()


def test_a_get_has_no_length() -> None:
    assert b"content-length" not in dict(make("GET").wire_headers())


def test_parameters_join_the_query() -> None:
    target = make(url="https://a.example/x?a=1#f", params={"b": "ä &", "c": [1, 2], "d": True}).target
    assert target.path == b"/x?a=1&b=%C3%A4+%26&c=1&c=2&d=true"


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "", "GET / HTTP/1.1\r\nX: y", "GÉT", "PROPFIND"])
def test_other_methods_are_refused(method: str) -> None:
    with pytest.raises(InvalidRequestError):
        make(method)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-A": "a\r\nX-B: b"},
        {"X-A": "a\nb"},
        {"X-A": "a\rb"},
        {"X-A": "a\x00b"},
        {"X-A": "a\x7f"},
        {"X-A": "\ud800"},
        {"X-A\r\nX-B": "b"},
        {"X-A:": "b"},
        {"X A": "b"},
        {"": "b"},
        {"Ä": "b"},
        {"X-A": 1},
        {"X-A": None},
        {"X-A": "a" * 70_000},
        *(
            {name: "1"}
            for name in (
                "Host",
                "host",
                "CONTENT-LENGTH",
                "Transfer-Encoding",
                "Connection",
                "Keep-Alive",
                "TE",
                "Trailer",
                "Upgrade",
                "Expect",
                "Proxy-Authorization",
                "Proxy-Connection",
            )
        ),
    ],
)
def test_headers_cannot_change_the_message(headers: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError):
        make(headers=headers)


def test_header_values_may_be_any_text() -> None:
    assert ("x-name", "Zoë\t1".encode()) in make(headers={"X-Name": "  Zoë\t1 "}).headers


@pytest.mark.parametrize("value", [float("nan"), "\ud800", object(), {1: object()}, {(1, 2): 3}])
def test_bodies_must_be_json_data(value: object) -> None:
    with pytest.raises(InvalidRequestError):
        make("POST", json=value)


@pytest.mark.parametrize("content", [{"a": 1}, 5, "\ud800", bytearray(b"x")])
def test_content_must_be_text_or_bytes(content: Any) -> None:
    with pytest.raises(InvalidRequestError):
        make("POST", content=content)


def test_one_body_at_a_time() -> None:
    with pytest.raises(InvalidRequestError):
        make("POST", json={}, content="x")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["/y", "https://a.example/y", "https://A.example:443/y", "//a.example/y"])
def test_the_same_origin_keeps_every_header(status: int, location: str) -> None:
    following = make(headers=SECRETS).redirected(status, location)
    assert following.target.path == b"/y"
    assert {name.lower() for name in SECRETS} <= names(following)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location", ["https://b.example/", "https://a.example:8443/", "https://www.a.example/", "//b.example/"]
)
def test_another_origin_gets_no_secret(status: int, location: str) -> None:
    following = make(headers={**SECRETS, "Accept": "text/plain"}).redirected(status, location)
    assert names(following) == {"user-agent", "accept", "accept-encoding"}
    back = following.redirected(status, "https://a.example/")
    assert names(back) == names(following)


def test_an_upgrade_to_https_is_another_origin() -> None:
    following = make(url="http://a.example/", headers=SECRETS).redirected(301, "https://a.example/")
    assert not names(following) & {name.lower() for name in SECRETS}


@pytest.mark.parametrize(
    ("status", "method", "then", "keeps_body"),
    [
        (301, "POST", "GET", False),
        (302, "POST", "GET", False),
        (303, "POST", "GET", False),
        (307, "POST", "POST", True),
        (308, "POST", "POST", True),
        (301, "PUT", "PUT", True),
        (302, "DELETE", "DELETE", True),
        (303, "PUT", "GET", False),
        (303, "DELETE", "GET", False),
        (303, "HEAD", "HEAD", True),
        (302, "HEAD", "HEAD", True),
        (303, "GET", "GET", True),
    ],
)
@pytest.mark.parametrize("location", ["/y", "https://b.example/y"])
def test_method_and_body_after_a_redirect(status: int, method: str, then: str, keeps_body: bool, location: str) -> None:
    following = make(method, content="body", headers={"Content-Type": "text/plain"}).redirected(status, location)
    assert following.method == then
    assert following.body == (b"body" if keeps_body else b"")
    assert ("content-type" in names(following)) is keeps_body


@pytest.mark.parametrize("location", ["http://a.example/", "http://b.example/", "http:/a"])
def test_no_way_back_from_https(location: str) -> None:
    with pytest.raises((HttpFailureError, InvalidRequestError)):
        make().redirected(302, location)


@pytest.mark.parametrize(
    "location",
    ["ftp://b.example/", "file:///etc/passwd", "https://user:pw@b.example/", "https://2130706433/", "https://[::1%25a]/",
     "https://b.example:99999/", "https://b.example/\r\nX: y", "javascript:alert(1)", "https://.../x"],
)  # fmt: skip
def test_redirects_are_parsed_like_the_first_url(location: str) -> None:
    with pytest.raises((HttpFailureError, InvalidRequestError, BlockedAddressError)):
        make().redirected(302, location)
