"""A span around each request."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from opentelemetry.instrumentation.django.middleware.otel_middleware import _DjangoMiddleware

from apps.core.context import current
from apps.core.probes import PROBES


class TracingMiddleware(_DjangoMiddleware):
    """The library's, but for probes: those ask by any host, for which the library refuses them."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info in PROBES:
            answer: HttpResponse = self.get_response(request)
            return answer
        traced: HttpResponse = super().__call__(request)
        return traced


def after_response(span: Any, request: HttpRequest, _response: HttpResponse) -> None:
    """Which page it was, also where the gate went straight to the view, and the id that the log knows it by."""
    if request.resolver_match is not None:
        span.set_attribute("http.route", request.resolver_match.route)
    context = current()
    span.set_attribute("levqor.request_id", context.request_id)
    if context.organization_id:
        span.set_attribute("levqor.organization", str(context.organization_id))
