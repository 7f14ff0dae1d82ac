"""The least that granian can serve, to see how much the load generator can ask."""

from collections.abc import Callable, Iterable
from typing import Any


def application(_environment: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """Answers everything alike."""
    start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
    return [b"ok"]
