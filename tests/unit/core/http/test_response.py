from datetime import UTC, datetime

import pytest

from apps.core.http import HttpFailureError, Response, retry_after_seconds

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def response(body: bytes = b"", **headers: str) -> Response:
    return Response(200, {name.replace("_", "-"): value for name, value in headers.items()}, body, "https://x/", 1)


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("grün".encode(), "text/plain", "grün"),
        ("grün".encode(), "text/plain; charset=utf-8", "grün"),
        ("grün".encode("latin-1"), "text/plain; charset=ISO-8859-1", "grün"),
        ("grün".encode("latin-1"), 'text/plain; x=y; charset="latin1"', "grün"),
        ("grün".encode("utf-16"), "text/plain; charset=utf-16", "grün"),
        ("€".encode("cp1252"), "text/plain; charset=windows-1252", "€"),
        (b"\xef\xbb\xbfgr", "text/plain", "gr"),
        (b"gr\xfcn", "text/plain", "gr�n"),
        (b"gr\xfcn", "", "gr�n"),
        (b"abc", "text/plain; charset=nonsense", "abc"),
        (b"abc", "text/plain; charset=hex", "abc"),
        (b"abc", "text/plain; charset=idna", "abc"),
        (b"abc", "text/plain; charset=punycode", "abc"),
        (b"a\\u0041", "text/plain; charset=unicode_escape", "a\\u0041"),
        (b"a\\u0041", "text/plain; charset=raw-unicode-escape", "a\\u0041"),
        (b"abc", "text/plain; charset=undefined", "abc"),
        (b"abc", "text/plain; charset*=utf-8''utf-8", "abc"),
        (b"abc", "text/plain; charset=a\x00b", "abc"),
        (b"abc", ";;=;charset", "abc"),
    ],
)
def test_text_follows_the_charset(body: bytes, content_type: str, text: str) -> None:
    assert response(body, content_type=content_type).text() == text


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": [1, null]}', {"a": [1, None]}),
        (b'\xef\xbb\xbf"x"', "x"),
        ('"ü"'.encode("utf-16"), "ü"),
        ('"ü"'.encode("latin-1"), "ü"),
    ],
)
def test_json(body: bytes, value: object) -> None:
    assert response(body, content_type="application/json; charset=latin-1").json() == value


@pytest.mark.parametrize("body", [b"", b"<html>", b"NaN", b'{"a": Infinity}', b"[" * 100_000, b"9" * 5000, b'"\xfc"'])
def test_what_is_no_json_says_so(body: bytes) -> None:
    with pytest.raises(HttpFailureError) as caught:
        response(body).json()
    assert (caught.value.code, caught.value.maybe_sent) == ("invalid_json", True)


def test_content_type_and_ok() -> None:
    assert response(content_type="Application/JSON; charset=utf-8").content_type == "application/json"
    assert response().content_type == ""
    assert response().ok
    assert not Response(302, {}, b"", "https://x/", 1).ok


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Thu, 01 Jan 2026 12:01:30 GMT", 90.0),
        ("Thu, 01 Jan 2026 13:01:30 +0100", 90.0),
        ("Thu, 01 Jan 2026 12:01:30", 90.0),
        ("Thursday, 01-Jan-26 12:01:30 GMT", 90.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("9" * 5000, None),
        ("٣", None),
        ("Thu, 99 Jan 2026 12:01:30 GMT", None),
        ("Thu, 01 Jan 99999999999 12:01:30 GMT", None),
        ("Thu, 01 Jan 2026 12:01:30 +9999", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after_seconds(response(retry_after=value), NOW) == seconds


def test_no_retry_after() -> None:
    assert retry_after_seconds(response(), NOW) is None
