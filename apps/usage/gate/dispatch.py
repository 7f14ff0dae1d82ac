"""The one way of every API call: who calls, whether they may now, the view, and the counting.

A call that shows a credential, or no session, is answered here before the other middleware: it needs no session, no
messages, no language. A browser's call with its session goes through them first and meets the gate just before its
view. Either way the gate is asked once, and what need not be paid is taken back.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, ResolverMatch, URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern, RoutePattern
from django.utils.translation import gettext as _

from apps.accounts.requests import ActorRequest
from apps.accounts.services.access import shows_credential
from apps.core.errors import DomainError, NotFoundError
from apps.core.middleware import has_nul, refuse_nul
from apps.core.problems import problem
from apps.usage.gate.admission import SANDBOX, admit, admit_session, settle
from apps.usage.gate.headers import finish
from apps.usage.gate.routes import route_of

GetResponse = Callable[[HttpRequest], HttpResponse]
API = "/api/"
OPEN = "/api/v2/"  # the status page for programs: the same for everybody, and there while no counter answers
BELOW = API.removeprefix("/")  # as patterns have it


class ApiGateMiddleware:
    """Stands behind what gives a request its context and its host, before everything else."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._answer = convert_exception_to_response(_answer)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not _is_gated(request.path_info) or (settings.SECURE_SSL_REDIRECT and not request.is_secure()):
            return self.get_response(request)
        if self._is_for_a_session(request):
            return settle(request, self.get_response(request))
        return finish(request, settle(request, cast(HttpResponse, self._answer(request))))

    def _is_for_a_session(self, request: HttpRequest) -> bool:
        """Whether a browser's session calls a view: the sandbox takes none, and a wrong address has none."""
        return (
            "HTTP_COOKIE" in request.META
            and settings.SESSION_COOKIE_NAME in request.COOKIES
            and not shows_credential(request.META)
            and not request.path_info.startswith(SANDBOX)
            and not has_nul(request)
            and _match(request.path_info) is not None
        )

    def process_view(self, request: HttpRequest, _view: Any, _args: Any, _kwargs: Any) -> HttpResponse | None:
        """Django's hook, just before the view of a call that came through the middleware."""
        if not _is_gated(request.path_info):
            return None
        try:
            admit_session(cast(ActorRequest, request), route_of(request.resolver_match))
        except DomainError as refusal:
            return problem(refusal, request)
        return None


def _is_gated(path: str) -> bool:
    return path.startswith(API) and not path.startswith(OPEN)


_fixed: dict[tuple[str, str], ResolverMatch] = {}
"""Addresses without an argument: as many as there are routes. Looking one up tries all routes before it."""


def _match(path: str) -> ResolverMatch | None:
    """The route of an address, or None."""
    urls = settings.ROOT_URLCONF
    known = _fixed.get((urls, path))
    if known is not None:
        return known
    try:
        match = _flat(urls).resolve(path)
    except Resolver404:
        return None
    if not match.args and not match.kwargs:
        _fixed[urls, path] = match
    return match


@lru_cache(maxsize=4)
def _flat(urls: str) -> URLResolver:
    """The addresses under /api/ in their order, without the parts that they are put together from: looking through
    each of those by itself takes longer."""
    return URLResolver(RegexPattern(r"^/"), list(_joined(get_resolver(urls).url_patterns, "")))


def _joined(patterns: Iterable[Any], before: str) -> Iterator[URLPattern]:
    for one in patterns:
        whole = before + str(one.pattern)
        if isinstance(one, URLResolver) and (whole.startswith(BELOW) or BELOW.startswith(whole)):
            yield from _joined(one.url_patterns, whole)
        elif isinstance(one, URLPattern) and whole.startswith(BELOW):
            yield URLPattern(
                RoutePattern(whole, name=one.name, is_endpoint=True), one.callback, one.default_args, one.name
            )


def _answer(request: HttpRequest) -> HttpResponse:
    """The whole way of a call without the middleware. What it raises Django makes an answer of."""
    plain = cast(ActorRequest, request)
    plain.actor = plain.organization = plain.impersonation = None
    plain.user = AnonymousUser()
    match = _match(_live_address(request))
    try:
        admit(plain, route_of(match))
        refuse_nul(request)
        if match is None:
            raise NotFoundError(_("There is no such address in the API."))
        request.resolver_match = match
        response: Any = match.func(request, *match.args, **match.kwargs)
        return cast(HttpResponse, response.render() if hasattr(response, "render") else response)
    except DomainError as refusal:
        return problem(refusal, request)


def _live_address(request: HttpRequest) -> str:
    """The address whose view answers: the sandbox has those of version 1, which work on another organization.

    Logging in is not one of them: it is the same for both.
    """
    path = request.path_info
    name = path.removeprefix(SANDBOX)
    return path if name == path or name.startswith("auth/") else f"/api/v1/{name}"
