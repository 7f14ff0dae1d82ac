"""Every route of the platform, read from the URL configuration, with an address that names a real object."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver

PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
REGEX_PARAMETER = re.compile(r"\(\?P<(\w+)>[^()]*\)")  # allauth's and the admin's
ANCHORS = str.maketrans("", "", "^$")


@dataclass(frozen=True)
class Route:
    """One URL pattern. `names` are its parameters, `methods` those of a view that is a class (in capitals)."""

    pattern: str
    name: str
    names: tuple[str, ...]
    methods: frozenset[str] = frozenset()

    @property
    def is_api(self) -> bool:
        """Whether programs call it."""
        return self.pattern.startswith("api/")

    def address(self, values: dict[str, str]) -> str:
        """The path with its parameters filled in."""
        return "/" + PARAMETER.sub(lambda match: values[match[1]], self.pattern)


def routes(*, of_admin: bool = False) -> list[Route]:
    """All routes, either those of the admin or the others."""
    plain = [
        (
            REGEX_PARAMETER.sub(r"<\1>", pattern).translate(ANCHORS) if REGEX_PARAMETER.search(pattern) else pattern,
            found,
        )
        for pattern, found in _walk(get_resolver().url_patterns, "")
    ]
    return [
        Route(pattern, found.name or "", tuple(PARAMETER.findall(pattern)), _methods(found))
        for pattern, found in plain
        if pattern.startswith("admin/") is of_admin
    ]


def views() -> Iterator[tuple[str, type]]:
    """Every route of the API whose view is a class, by its pattern."""
    for pattern, found in _walk(get_resolver().url_patterns, ""):
        view = _view_class(found)
        if pattern.startswith("api/") and view is not object:
            yield pattern, view


def _view_class(found: URLPattern) -> type:
    view: type = getattr(found.callback, "cls", None) or getattr(found.callback, "view_class", object)
    return view


def _methods(found: URLPattern) -> frozenset[str]:
    view = _view_class(found)
    return frozenset(name.upper() for name in getattr(view, "http_method_names", ()) if hasattr(view, name))


def _walk(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[tuple[str, URLPattern]]:
    for found in patterns:
        path = prefix + str(found.pattern)
        if isinstance(found, URLResolver):
            yield from _walk(found.url_patterns, path)
        else:
            yield path, found
