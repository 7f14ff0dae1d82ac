"""What wraps every request: its context, isolation headers, and domain errors told in the reader's form."""

import re
from collections.abc import Callable
from ipaddress import ip_address

from django.conf import settings
from django.core.exceptions import DisallowedHost, RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseNotAllowed, HttpResponseNotFound
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from apps.core.context import bound
from apps.core.errors import DomainError
from apps.core.headers import add
from apps.core.ids import new_hex
from apps.core.probes import PROBES
from apps.core.problems import problem

GetResponse = Callable[[HttpRequest], HttpResponse]
HOSTS_KEPT = 1_000
REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{8,64}")


def is_api(request: HttpRequest) -> bool:
    """Whether the reader of this request's answer is a program."""
    return request.path.startswith("/api/")


def client_address(request: HttpRequest) -> str:
    """Where the request comes from: the connection's other end, or what the first of our own proxies saw.

    With `PROXY_HOPS` proxies in front, that is the entry as many places from the right in `X-Forwarded-For`: those
    further left were written by the caller and may say anything. Without the header it was no proxy that asked. Raises
    `ValueError` for a header that names no address there: a caller who spoils it must not become the proxy.
    """
    hops = settings.PROXY_HOPS
    header = request.META.get("HTTP_X_FORWARDED_FOR")
    connected = str(request.META.get("REMOTE_ADDR") or "")
    if not hops or header is None:
        return connected
    entries = header.split(",")
    seen = str(ip_address(entries[-min(hops, len(entries))].strip()))
    return seen if len(entries) >= hops else connected


def has_nul(request: HttpRequest) -> bool:
    """Whether the address has NUL characters: no name has one, and PostgreSQL takes them in no query."""
    return "\0" in request.path or "%00" in request.META.get("QUERY_STRING", "")


def refuse_nul(request: HttpRequest) -> None:
    """Raises for an address with NUL characters."""
    if has_nul(request):
        raise SuspiciousOperation("the address has a NUL character")


class RequestContextMiddleware:
    """Binds a fresh context with a request id, which the answer carries as `X-Request-Id`.

    What comes is read as UTF-8, whatever charset it names: one codec takes minutes for a megabyte, some hide brackets.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        offered = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = offered if REQUEST_ID.fullmatch(offered) else new_hex()
        try:
            request.META["REMOTE_ADDR"] = address = client_address(request)
        except ValueError:
            return HttpResponseBadRequest("X-Forwarded-For names no address\n", content_type="text/plain")
        if request.encoding is not None:
            request.encoding = settings.DEFAULT_CHARSET
        with bound(request_id=request_id, ip=address or None):
            response = self.get_response(request)
        add(response, {"X-Request-Id": request_id})
        return response


class HostMiddleware:
    """Answers whoever asks for a host that is not ours with a plain 404, before anything else asks for the host.

    Django's answer is a page, and a traceback in the log for every scanner that passes. Probes ask by any host.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._ours: set[str] = set()  # hosts that were looked at once

    def __call__(self, request: HttpRequest) -> HttpResponse:
        asked = request.META.get("HTTP_HOST", "")
        if asked not in self._ours and request.path_info not in PROBES:
            try:
                request.get_host()
            except DisallowedHost:
                headers = {"X-Content-Type-Options": "nosniff"}
                return HttpResponseNotFound("Not found\n", content_type="text/plain; charset=utf-8", headers=headers)
            if len(self._ours) < HOSTS_KEPT:
                self._ours.add(asked)
        return self.get_response(request)


class IsolationHeadersMiddleware:
    """Cross-origin isolation headers that Django has no setting for; what a person was shown stays in no cache.

    Without the latter, the browser's way back shows the pages of somebody who has logged out.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.setdefault("Cross-Origin-Embedder-Policy", "require-corp")
        shown = "Authorization" in request.headers or "X-API-Key" in request.headers
        if shown or settings.SESSION_COOKIE_NAME in request.COOKIES:
            response.setdefault("Cache-Control", "private, no-store")
        return response


class DomainErrorMiddleware:
    """Turns a refusal into a problem document for programs and a page for people."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        refuse_nul(request)
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and not response.content and not is_api(request):
            return self._not_allowed(request, response)
        return response

    def _not_allowed(self, request: HttpRequest, response: HttpResponseNotAllowed) -> HttpResponse:
        """Django's 405 has no words."""
        error = DomainError(
            _("This address takes no such request. Go back and use the page's own links and buttons."),
            code="method_not_allowed",
            status=405,
            title=_("That cannot be done here"),
        )
        page = render(request, "error.html", {"error": error}, status=error.status)
        page["Allow"] = response["Allow"]
        return page

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Django's hook: answer a `DomainError` (or an oversized body); leave everything else to `handler500`."""
        if isinstance(error, RequestDataTooBig):
            error = DomainError(
                _("The request body is too large."), code="body_too_large", status=413, title=_("Too large")
            )
        if not isinstance(error, DomainError):
            return None
        if is_api(request):
            return problem(error, request)
        template = "404.html" if error.status == 404 else "error.html"
        return render(request, template, {"error": error}, status=error.status)
