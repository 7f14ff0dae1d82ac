"""Logging in, staying logged in and logging out: the calls under `/auth`, and the tokens of a call."""

from typing import Any

from levqor_cli import clock
from levqor_cli.client import ApiClient
from levqor_cli.credentials import CredentialStore, Login
from levqor_cli.errors import CliError, NotLoggedInError

EXPIRY_MARGIN = 30.0
"""Seconds before its end at which an access token counts as used up."""


class StaticToken:
    """A token given from outside (`LEVQOR_TOKEN`); never renewed, never stored."""

    advice = "Set LEVQOR_TOKEN to a valid access token, or unset it and use: levqor login"

    def __init__(self, token: str) -> None:
        self._token = token

    def access_token(self) -> str:
        """The token as given."""
        return self._token

    def renew(self, rejected: str) -> str | None:
        """There is no other token."""
        del rejected
        return None


class StoredLogin:
    """The login saved by `levqor login`. Renews the access token, one process at a time.

    The server ends a login whose refresh token is used twice, so two terminals must never send the same one:
    renewal happens under the file lock, and who comes second finds the fresh token on disk.
    """

    def __init__(self, store: CredentialStore, url: str) -> None:
        self._store = store
        self._url = url
        self.advice = f"Log in again with: levqor login --url {url}"

    def access_token(self) -> str:
        """A token with some life left, renewed first if need be."""
        login = self._store.read().logins.get(self._url)
        if login is None:
            raise NotLoggedInError(f"You are not logged in to {self._url}.", self._url)
        if _is_fresh(login):
            return login.access
        return self._renew(login.access)

    def renew(self, rejected: str) -> str | None:
        """The token after the one the server rejected."""
        return self._renew(rejected)

    def _renew(self, spent: str) -> str:
        with self._store.locked() as book:
            login = book.logins.get(self._url)
            if login is None:
                raise NotLoggedInError(f"You are not logged in to {self._url} any more.", self._url)
            if login.access != spent and _is_fresh(login):
                return login.access
            try:
                with ApiClient(self._url, None) as client:
                    # Not repeated: if only the answer was lost, the server has already retired this refresh token.
                    document = client.post_plain("/auth/token/refresh", {"refresh": login.refresh})
            except CliError as error:
                if error.status not in {400, 401, 403}:
                    raise
                del book.logins[self._url]
                book.save()
                raise NotLoggedInError(
                    f"Your login to {self._url} has ended.", self._url, request_id=error.request_id, status=error.status
                ) from error
            renewed = login_from(document, previous=login)
            book.logins[self._url] = renewed
            book.save()
            return renewed.access


def login_from(tokens: dict[str, Any], previous: Login | None = None) -> Login:
    """A login from the server's `{access, refresh, expires_in}`."""
    return Login(
        access=str(tokens["access"]),
        refresh=str(tokens.get("refresh") or (previous.refresh if previous else "")),
        expires_at=clock.now().timestamp() + float(tokens.get("expires_in", 900)),
        email=previous.email if previous else "",
        organization=previous.organization if previous else "",
    )


def revoke(url: str, login: Login) -> None:
    """End a login at the server. Raises `CliError` when the server cannot be told."""
    with ApiClient(url, None) as client:
        client.post_plain("/auth/token/revoke", {"refresh": login.refresh}, repeat=True)


def _is_fresh(login: Login) -> bool:
    return clock.now().timestamp() < login.expires_at - EXPIRY_MARGIN
