"""Staying logged in: renewal in time, one process at a time, and a clear end."""

import threading

import httpx
import pytest
from levqor_cli import clock
from levqor_cli.auth import StoredLogin
from levqor_cli.client import ApiClient
from levqor_cli.credentials import CredentialStore, Login
from levqor_cli.errors import CliError, NotLoggedInError
from levqor_cli.exit_codes import ExitCode

from tests.common.levqor_api import BASE, FakeLevqor, problem


def make_expired(store: CredentialStore) -> None:
    with store.locked() as book:
        book.logins[BASE] = Login("old", "refresh-0", clock.now().timestamp() + 5, "owner@example.com", "Example Ltd")
        book.save()


def call(store: CredentialStore) -> None:
    with ApiClient(BASE, StoredLogin(store, BASE)) as client:
        client.get("/me")


def test_a_fresh_token_is_simply_used(server: FakeLevqor, logged_in: CredentialStore) -> None:
    call(logged_in)
    assert [request.url.path for request in server.requests] == ["/api/v1/me"]
    assert server.requests[0].headers["authorization"] == "Bearer access-0"


def test_a_token_about_to_end_is_renewed_and_stored(server: FakeLevqor, store: CredentialStore) -> None:
    make_expired(store)
    call(store)
    login = store.read().logins[BASE]
    assert (login.access, login.refresh) == ("access-1", "refresh-1")
    assert (login.email, login.organization) == ("owner@example.com", "Example Ltd")
    assert login.expires_at == pytest.approx(clock.now().timestamp() + 900, abs=30)


def test_a_rejected_token_is_renewed_once(server: FakeLevqor, logged_in: CredentialStore) -> None:
    server.access = set()  # revoked at the server before its time
    call(logged_in)
    assert [request.url.path for request in server.requests] == [
        "/api/v1/me",
        "/api/v1/auth/token/refresh",
        "/api/v1/me",
    ]


def test_terminals_at_once_never_send_the_same_refresh_token(server: FakeLevqor, store: CredentialStore) -> None:
    make_expired(store)
    failures: list[Exception] = []

    def terminal() -> None:
        try:
            StoredLogin(store, BASE).access_token()
        except CliError as error:
            failures.append(error)

    terminals = [threading.Thread(target=terminal) for _ in range(8)]
    for thread in terminals:
        thread.start()
    for thread in terminals:
        thread.join()
    assert failures == []
    assert len(server.calls("POST", "/auth/token/refresh")) == 1


def test_a_login_that_ended_is_forgotten_with_advice(server: FakeLevqor, store: CredentialStore) -> None:
    make_expired(store)
    server.refresh = "another"
    with pytest.raises(NotLoggedInError, match="has ended") as caught:
        call(store)
    assert caught.value.exit_code is ExitCode.REFUSED
    assert caught.value.hint == f"Log in with: levqor login --url {BASE}"
    assert store.read().logins == {}


@pytest.mark.parametrize("failure", [httpx.ReadTimeout("slow"), httpx.Response(503)])
def test_a_refresh_is_never_sent_twice_and_the_login_kept(
    server: FakeLevqor, store: CredentialStore, failure: httpx.Response | Exception
) -> None:
    make_expired(store)
    server.failures = [failure]
    with pytest.raises(CliError) as caught:
        call(store)
    assert caught.value.exit_code is ExitCode.UNREACHABLE
    assert len(server.requests) == 1
    assert BASE in store.read().logins


def test_without_login_nothing_is_sent(server: FakeLevqor, store: CredentialStore) -> None:
    with pytest.raises(NotLoggedInError, match="not logged in"):
        call(store)
    assert server.requests == []


def test_a_token_the_server_never_accepts_does_not_loop(server: FakeLevqor, logged_in: CredentialStore) -> None:
    server.access = set()
    renewed = httpx.Response(200, json={"access": "useless", "refresh": "refresh-1", "expires_in": 900})
    rejected = problem(401, "not_authenticated", "No.")
    server.failures = [rejected, renewed, rejected]
    with pytest.raises(CliError, match="No") as caught:
        call(logged_in)
    assert caught.value.hint == f"Log in again with: levqor login --url {BASE}"
    assert len(server.requests) == 3
