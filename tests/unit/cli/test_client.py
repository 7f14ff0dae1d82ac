"""The HTTP client: what it repeats, what it never repeats, and how refusals read."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from levqor_cli.auth import StaticToken
from levqor_cli.client import ApiClient
from levqor_cli.errors import CliError, UnreachableError
from levqor_cli.exit_codes import ExitCode
from levqor_cli.retries import retry_after

from tests.common.levqor_api import BASE, FakeLevqor, problem


@pytest.fixture
def client(server: FakeLevqor) -> ApiClient:
    del server
    return ApiClient(BASE, StaticToken("access-0"))


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_reads_are_repeated_after_passing_faults(client: ApiClient, server: FakeLevqor, status: int) -> None:
    server.failures = [httpx.Response(status), httpx.Response(status)]
    assert client.get("/me")["role"] == "owner"
    assert len(server.requests) == 3


def test_retry_after_is_honoured(client: ApiClient, server: FakeLevqor, fake_time: Any) -> None:
    server.failures = [httpx.Response(503, headers={"retry-after": "7"})]
    client.get("/me")
    assert fake_time.naps == [7.0]


def test_nobody_waits_for_minutes(client: ApiClient, server: FakeLevqor, fake_time: Any) -> None:
    server.failures = [httpx.Response(429, headers={"retry-after": "3600"}, json={"detail": "Rate limit reached."})]
    with pytest.raises(CliError, match="Rate limit") as caught:
        client.get("/me")
    assert (caught.value.exit_code, caught.value.hint) == (ExitCode.UNREACHABLE, "Try again in 3600 s.")
    assert fake_time.naps == []


def test_repeating_ends(client: ApiClient, server: FakeLevqor) -> None:
    server.failures = [httpx.Response(503) for _ in range(20)]
    with pytest.raises(CliError) as caught:
        client.get("/me")
    assert caught.value.exit_code is ExitCode.UNREACHABLE
    assert len(server.requests) == 5


def test_a_server_fault_is_not_repeated(client: ApiClient, server: FakeLevqor) -> None:
    server.failures = [problem(500, "server_error", "Something broke.")]
    with pytest.raises(CliError, match="Something broke") as caught:
        client.get("/me")
    assert caught.value.exit_code is ExitCode.UNREACHABLE
    assert len(server.requests) == 1


def test_a_post_that_creates_is_repeated_with_the_same_key(client: ApiClient, server: FakeLevqor) -> None:
    server.add_workflow("intake", "name: intake")
    server.failures = [httpx.ReadTimeout("slow"), httpx.Response(502)]
    client.post("/workflows/intake/runs", {"inputs": {}})
    keys = [call.headers["idempotency-key"] for call in server.requests]
    assert len(keys) == 3
    assert len(set(keys)) == 1
    client.post("/workflows/intake/runs", {"inputs": {}})
    assert server.requests[-1].headers["idempotency-key"] not in keys


def test_a_plain_post_is_never_repeated(client: ApiClient, server: FakeLevqor) -> None:
    server.failures = [httpx.Response(503)]
    with pytest.raises(CliError):
        client.post_plain("/auth/token/refresh", {"refresh": "x"})
    assert len(server.requests) == 1


def test_a_server_that_is_not_there_is_given_up_early(client: ApiClient, server: FakeLevqor) -> None:
    server.failures = [httpx.ConnectError("[Errno 111] Connection refused") for _ in range(9)]
    with pytest.raises(UnreachableError, match=r"Cannot reach http://127\.0\.0\.1:8000: connection refused"):
        client.get("/me")
    assert len(server.requests) == 3


def test_problem_documents_are_read(client: ApiClient, server: FakeLevqor) -> None:
    errors = [{"line": 3, "path": "steps[0].type", "message": "unknown", "expected": "http"}, {"name": ["too long"]}]
    server.failures = [problem(422, "invalid", "The definition is not valid.", errors=errors)]
    with pytest.raises(CliError) as caught:
        client.get("/me")
    error = caught.value
    assert error.message == "The definition is not valid."
    assert error.details == ("line 3, steps[0].type: unknown (expected http)", "name: too long")
    assert (error.code, error.request_id, error.exit_code) == ("invalid", "req_test", ExitCode.INVALID)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, ExitCode.INVALID),
        (401, ExitCode.REFUSED),
        (403, ExitCode.REFUSED),
        (404, ExitCode.NOT_FOUND),
        (409, ExitCode.CONFLICT),
        (418, ExitCode.INVALID),
        (500, ExitCode.UNREACHABLE),
    ],
)
def test_statuses_have_their_exit_codes(client: ApiClient, server: FakeLevqor, status: int, code: ExitCode) -> None:
    server.failures = [problem(status, "some_code", "No.")]
    with pytest.raises(CliError) as caught:
        client.get("/me")
    assert caught.value.exit_code is code


def test_a_redirect_is_not_followed_with_credentials(client: ApiClient, server: FakeLevqor) -> None:
    server.failures = [httpx.Response(302, headers={"location": "http://elsewhere.example/"})]
    with pytest.raises(CliError, match=r"sends us on to http://elsewhere\.example/"):
        client.get("/me")
    assert len(server.requests) == 1


def test_an_answer_that_is_no_json_is_said_plainly(client: ApiClient, server: FakeLevqor) -> None:
    server.failures = [httpx.Response(200, text="<html>")]
    with pytest.raises(CliError, match="does not answer like a Levqor server"):
        client.get("/me")


def test_lists_follow_the_cursor_up_to_the_limit(client: ApiClient, server: FakeLevqor) -> None:
    for number in range(250):
        server.add_workflow(f"w{number}")
    assert len(list(client.pages("/workflows", params={}, limit=1000))) == 250
    assert [call.url.params["limit"] for call in server.requests] == ["100", "100", "100"]
    assert len(list(client.pages("/workflows", params={}, limit=120))) == 120


def test_a_proxy_never_sees_what_goes_to_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")

    def proxies(url: str) -> list[str]:
        with ApiClient(url, None) as client:
            transport = client._http._transport_for_url(httpx.URL(url))
            return [] if transport is client._http._transport else ["proxy"]

    assert proxies("http://127.0.0.1:8000") == []
    assert proxies("https://levqor.example") == ["proxy"]


def test_retry_after_as_a_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("levqor_cli.clock.now", lambda: datetime(2026, 11, 20, 9, 0, 0, tzinfo=UTC))
    assert retry_after("Fri, 20 Nov 2026 09:00:30 GMT") == 30.0
    assert retry_after("Fri, 20 Nov 2026 08:00:00 GMT") == 0.0
    assert retry_after("soon") is None
    assert retry_after("") is None
