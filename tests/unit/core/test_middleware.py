"""What wraps every request."""

import time

import pytest
from django.test import Client, RequestFactory
from django.test.client import MULTIPART_CONTENT, encode_multipart

from apps.core.middleware import client_address
from tests.common.roles import client_of


@pytest.mark.parametrize(
    ("hops", "forwarded", "expected"),
    [
        (0, "203.0.113.9", "10.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (2, "6.6.6.6, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        (2, "203.0.113.9", "10.0.0.1"),
        (1, None, "10.0.0.1"),
        (1, "2001:db8::1", "2001:db8::1"),
    ],
)
def test_the_caller_is_who_our_own_proxies_saw(settings, hops, forwarded, expected):
    settings.PROXY_HOPS = hops
    shown = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    assert client_address(RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", **shown)) == expected


@pytest.mark.parametrize("hops", [1, 2])
@pytest.mark.parametrize("forwarded", ["", "not an address", "6.6.6.6, ", "6.6.6.6, somebody"])
def test_who_spoils_the_header_does_not_become_the_proxy(settings, hops, forwarded):
    settings.PROXY_HOPS = hops
    forwarded = f"{forwarded}, 10.0.0.2" if hops == 2 and forwarded else forwarded
    answer = Client().get("/healthz", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=forwarded)
    assert answer.status_code == 400


@pytest.mark.parametrize(("offered", "kept"), [("abcdef-123456", True), ("short", False), ("a b c d e f g h", False)])
def test_a_request_id_is_kept_when_it_is_one(offered, kept):
    response = Client().get("/healthz", HTTP_X_REQUEST_ID=offered)
    assert (response["X-Request-Id"] == offered) is kept
    assert len(response["X-Request-Id"]) >= 12


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/openapi.json", "/nowhere", "/api/v1/me"])
@pytest.mark.django_db
def test_security_headers_are_on_every_answer(path):
    response = Client().get(path)
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in response["Permissions-Policy"]
    policy = response["Content-Security-Policy"]
    for rule in ("default-src 'none'", "frame-ancestors 'none'", "object-src 'none'", "base-uri 'none'"):
        assert rule in policy
    assert "unsafe" not in policy


@pytest.mark.django_db
def test_what_a_person_was_shown_stays_in_no_cache(owner, organization):
    for path in ("/dashboard", "/workflows", "/api/v1/me", "/nowhere"):
        assert client_of(owner, organization).get(path)["Cache-Control"] == "private, no-store"
    assert "no-store" in Client().get("/api/v1/me", headers={"authorization": "Bearer x"})["Cache-Control"]
    assert "Cache-Control" not in Client().get("/")


@pytest.mark.parametrize("path", ["/", "/api/v1/me", "/dashboard", "/static/css/base.css"])
@pytest.mark.parametrize("host", ["evil.example", "10.42.0.17:8000", "not a host"])
@pytest.mark.parametrize("secure", [True, False])
def test_an_unknown_host_finds_nothing(settings, caplog, path, host, secure):
    """In plain words, and without a traceback in the log: scanners ask all day."""
    settings.SECURE_SSL_REDIRECT = True
    response = Client().get(path, headers={"host": host}, secure=secure)
    assert (response.status_code, response.content) == (404, b"Not found\n")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Request-Id"]
    assert caplog.records == []


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/v1/workflows/%00", "/api/v1/runs?workflow=%00", "/runs/%00", "/?q=a%00b"])
def test_addresses_with_nul_characters_are_refused_in_the_readers_form(path):
    response = Client().get(path)
    assert response.status_code == 400
    assert response["X-Request-Id"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert ("problem+json" in response["Content-Type"]) is path.startswith("/api/")


@pytest.mark.parametrize("charset", ["utf-16", "utf-7"])
@pytest.mark.django_db
def test_no_charset_hides_how_deep_a_body_is(charset: str) -> None:
    body = ('["\u2200",' + "[" * 20_000).encode(charset).replace(b"[", b"+AFs-" if charset == "utf-7" else b"[")
    answer = Client().generic("POST", "/api/v1/auth/device", body, f"application/json; charset={charset}")
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")


@pytest.mark.parametrize("kind", ["json", "form"])
@pytest.mark.django_db
def test_no_charset_makes_a_body_costly(kind: str) -> None:
    """The codec of internationalized names takes minutes for this."""
    text = "a" * 400_000 + "-" + "a" * 400_000
    form = encode_multipart("BoUnDaRyStRiNg", {"login": text})
    body, media_type = (text.encode(), "application/json") if kind == "json" else (form, MULTIPART_CONTENT)
    address = "/api/v1/auth/device" if kind == "json" else "/accounts/login/"
    began = time.process_time()
    answer = Client().generic("POST", address, body, f"{media_type}; charset=punycode")
    assert answer.status_code < 500
    assert time.process_time() - began < 5
