"""Headers of ours on an answer, without what Django does for anybody's: each set by name is encoded and looked at
twice, and all are looked up again one by one when the answer goes out. For a short answer that takes longer than its
view."""

from collections.abc import ValuesView

from django.http import HttpResponse
from django.http.response import ResponseHeaders

Header = tuple[str, str]


def add(response: HttpResponse, headers: dict[str, str]) -> None:
    """Add headers: ASCII in one line, so that nothing of them need be looked at."""
    response.headers._store |= {name.lower(): (name, value) for name, value in headers.items()}


def add_missing(response: HttpResponse, headers: dict[str, Header]) -> None:
    """Add those of `headers`, by lower-case name, that the answer does not have."""
    response.headers._store = headers | response.headers._store


def send_as_they_are(response: HttpResponse) -> None:
    """Let the answer's headers go out as they are stored."""
    response.headers = _Stored(response.headers)


class _Stored(ResponseHeaders):
    """Whose items are not looked up by name."""

    def __init__(self, headers: ResponseHeaders) -> None:
        self._store = headers._store

    def items(self) -> ValuesView[Header]:  # type: ignore[override] # WSGI asks for pairs
        return self._store.values()
