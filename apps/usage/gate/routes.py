"""What the gate needs to know of a route: under which category it counts, and whether it is free."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.urls import ResolverMatch

UNKNOWN = "unknown"
VERSIONS = ("v1", "v2")  # the second is that of the status page alone


@dataclass(frozen=True)
class Route:
    """A kind of address. What is free is limited, but counts towards no quota: watching, and asking for figures."""

    category: str
    free: bool = False


def route_of(match: ResolverMatch | None) -> Route:
    """The route of an address."""
    if match is None:
        return Route(UNKNOWN)
    return _route(match.route, bool(getattr(_view_class(match.func), "is_free", False)))


@lru_cache(maxsize=500)
def _route(pattern: str, free: bool) -> Route:
    """The category is the first word of the pattern that says what it is about: "runs" of `api/v1/runs/<str:run>`."""
    words = [word for word in pattern.split("/") if word not in ("api", *VERSIONS)]
    return Route(words[0].partition(".")[0] if words and words[0] else UNKNOWN, free)


def _view_class(view: Any) -> Any:
    return getattr(view, "cls", None) or getattr(view, "view_class", None) or view
