"""`login`, `logout` and `whoami` from the outside."""

import json
from typing import Any

import httpx
import pytest
from levqor_cli import device_login
from levqor_cli.credentials import CredentialStore

from tests.common.levqor_api import BASE, FakeLevqor, problem


def pending(code: str) -> httpx.Response:
    return problem(400, code, "Not yet.")


def test_login_shows_the_code_and_saves_the_tokens(cli: Any, server: FakeLevqor, store: CredentialStore) -> None:
    result = cli("login", "--no-browser")
    assert result.exit_code == 0
    assert "WDJB-MJHT" in result.stderr
    assert f"{BASE}/device/" in result.stderr
    assert f"Logged in to {BASE} as owner@example.com (Example Ltd)" in result.stderr
    login = store.read().logins[BASE]
    assert (login.access, login.refresh, login.email) == ("access-1", "refresh-1", "owner@example.com")
    assert "access-1" not in result.output
    assert store.read().default_url == BASE


def test_polling_keeps_the_interval_and_slows_down(cli: Any, server: FakeLevqor, fake_time: Any) -> None:
    server.device_answers = [
        pending("authorization_pending"),
        pending("slow_down"),
        pending("authorization_pending"),
        httpx.Response(503),
    ]
    assert cli("login", "--no-browser").exit_code == 0
    assert fake_time.naps == [5, 5, 10, 10, 20]


def test_polling_survives_a_lost_connection(cli: Any, server: FakeLevqor, fake_time: Any) -> None:
    del fake_time
    cli("login", "--no-browser")
    polls = len(server.requests)
    server.requests.clear()
    server.generation = 0
    original = server._device_token
    broken = iter([httpx.ConnectError("gone")])

    def flaky(body: dict[str, Any]) -> httpx.Response:
        for failure in broken:
            raise failure
        return original(body)

    server._device_token = flaky  # type: ignore[method-assign]
    assert cli("login", "--no-browser").exit_code == 0
    assert len(server.calls("POST", "/auth/device/token")) == 2
    assert polls


@pytest.mark.parametrize(
    ("code", "words"), [("access_denied", "refused in the browser"), ("expired_token", "expired before")]
)
def test_a_login_that_is_not_approved(
    cli: Any, server: FakeLevqor, store: CredentialStore, code: str, words: str
) -> None:
    server.device_answers = [pending(code)]
    result = cli("login", "--no-browser")
    assert result.exit_code == 4
    assert words in result.stderr
    assert store.read().logins == {}


def test_an_unanswered_code_expires(cli: Any, server: FakeLevqor, fake_time: Any) -> None:
    server.device_answers = [pending("authorization_pending") for _ in range(500)]
    result = cli("login", "--no-browser")
    assert result.exit_code == 4
    assert "expired" in result.stderr
    assert sum(fake_time.naps) <= 600


def test_login_opens_the_complete_address(cli: Any, server: FakeLevqor, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    monkeypatch.delenv("SSH_TTY", raising=False)
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    assert "Opened your browser" in cli("login").stderr
    assert opened == [f"{BASE}/device/?code=WDJB-MJHT"]
    cli("login", "--no-browser")
    assert len(opened) == 1


def test_no_browser_opens_on_another_machine_or_inside_the_terminal() -> None:
    assert not device_login.can_open_browser({"SSH_CONNECTION": "1.2.3.4", "DISPLAY": ":0"})
    assert not device_login.can_open_browser({})
    assert device_login.can_open_browser({"WAYLAND_DISPLAY": "wayland-0"})


def test_a_page_that_is_no_web_page_is_never_opened(cli: Any, server: FakeLevqor) -> None:
    answer = server._device({"client_name": "x"}).json()
    server.failures = [httpx.Response(200, json={**answer, "verification_uri_complete": "file:///etc/passwd"})]
    result = cli("login", "--no-browser")
    assert result.exit_code == 6
    assert "no web address" in result.stderr


def test_a_new_login_ends_the_one_before(cli: Any, server: FakeLevqor, logged_in: CredentialStore) -> None:
    assert cli("login", "--no-browser").exit_code == 0
    assert server.revoked == ["refresh-0"]
    assert logged_in.read().logins[BASE].refresh == "refresh-1"


def test_login_refuses_plain_http_before_sending_anything(cli: Any, server: FakeLevqor) -> None:
    result = cli("login", "--url", "http://levqor.example", "--no-browser")
    assert result.exit_code == 2
    assert "Refusing plain http" in result.stderr
    assert server.requests == []


def test_logout_revokes_and_forgets(cli: Any, server: FakeLevqor, logged_in: CredentialStore) -> None:
    result = cli("logout")
    assert result.exit_code == 0
    assert server.revoked == ["refresh-0"]
    assert logged_in.read().logins == {}
    assert cli("logout").exit_code == 4


def test_logout_forgets_even_when_the_server_is_away(cli: Any, server: FakeLevqor, logged_in: CredentialStore) -> None:
    server.failures = [httpx.ConnectError("refused") for _ in range(5)]
    result = cli("logout")
    assert result.exit_code == 6
    assert "Removed the login from this machine" in result.stderr
    assert logged_in.read().logins == {}


def test_whoami(cli: Any, server: FakeLevqor, logged_in: CredentialStore) -> None:
    result = cli("whoami")
    assert result.exit_code == 0
    for words in ("owner@example.com", "Example Ltd", "owner", BASE, str(logged_in.path)):
        assert words.replace(" ", "") in result.stdout.replace(" ", "").replace("\n", "")
    assert json.loads(cli("whoami", "--json").stdout)["role"] == "owner"
    assert cli("whoami", "-q").stdout == "owner@example.com\n"


def test_token_prints_the_access_token_alone(cli: Any, logged_in: CredentialStore) -> None:
    assert cli("token").stdout == f"{logged_in.read().logins[BASE].access}\n"
    assert json.loads(cli("token", "--json").stdout)["url"] == BASE


def test_token_without_a_login_is_refused(cli: Any) -> None:
    assert cli("token").exit_code == 4


def test_a_token_from_the_environment_goes_first(cli: Any, server: FakeLevqor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVQOR_TOKEN", "access-0")
    assert "LEVQOR_TOKEN" in cli("whoami").stdout
    monkeypatch.setenv("LEVQOR_TOKEN", "stale")
    result = cli("whoami")
    assert result.exit_code == 4
    assert "Set LEVQOR_TOKEN to a valid access token" in result.stderr
    assert server.calls("POST", "/auth/token/refresh") == []


def test_the_last_login_is_where_commands_go(cli: Any, server: FakeLevqor, logged_in: CredentialStore) -> None:
    with logged_in.locked() as book:
        book.default_url = "https://other.example"
        book.save()
    assert "https://other.example" in cli("whoami").stderr
    assert cli("whoami", "--url", BASE).exit_code == 0
    assert cli("--url", BASE, "whoami").exit_code == 0
