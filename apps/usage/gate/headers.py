"""The security headers of answers that are given before Django's middleware: what that middleware would have added."""

from functools import lru_cache
from typing import Any

from csp.middleware import CSPMiddleware
from django.http import HttpRequest, HttpResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware
from django_permissions_policy import PermissionsPolicyMiddleware

from apps.core.headers import Header, add, add_missing, send_as_they_are
from apps.core.middleware import IsolationHeadersMiddleware

STACK = (
    SecurityMiddleware,
    CSPMiddleware,
    PermissionsPolicyMiddleware,
    IsolationHeadersMiddleware,
    XFrameOptionsMiddleware,
)


def finish(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Add the headers, and the length of the answer."""
    add_missing(response, _headers(request.is_secure()))
    if not response.streaming:
        add(response, {"Content-Length": str(len(response.content))})
    send_as_they_are(response)
    return response


@lru_cache(maxsize=2)
def _headers(secure: bool) -> dict[str, Header]:
    """What the middleware adds to an empty answer, asked once, as Django keeps headers."""
    request = HttpRequest()
    request.META = {"SERVER_NAME": "api", "SERVER_PORT": "443" if secure else "80"}
    request.META |= {"wsgi.url_scheme": "https" if secure else "http"}
    handler: Any = _empty
    for middleware in reversed(STACK):
        handler = middleware(handler)
    found = {**handler(request).headers, "Cache-Control": "private, no-store"}
    return {
        name.lower(): (name, value) for name, value in found.items() if name not in ("Content-Type", "Content-Length")
    }


def _empty(_request: HttpRequest) -> HttpResponse:
    return HttpResponse()
