"""What stands around every request: its time is taken, and Prometheus is answered."""

import time
from collections.abc import Callable
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django_prometheus.middleware import Metrics, PrometheusAfterMiddleware
from django_prometheus.utils import Time

from apps.core.probes import PROBES
from apps.core.waiting_requests import has_waited
from apps.monitoring.metrics.bodies import timed_body
from apps.monitoring.metrics.exposition import PATH, exposition
from apps.monitoring.metrics.requests import note
from apps.monitoring.metrics.series import REGISTRY
from apps.monitoring.observing.own_probes import is_own_probe

GetResponse = Callable[[HttpRequest], HttpResponse]
STATUS = "/status"
API = "/api/"
DEMO = "/demo/"  # stands for services of others, and fails on purpose


class MeasuringMiddleware:
    """Stands outermost, so that all of a request is measured: what the gate answers alone, too.

    It costs about two microseconds. Files and probes, ours included, are left out: they would make everything look
    quick; so are calls that wait on purpose, and the time in which a body arrives. `/metrics` is answered here whatever
    host it is asked by: Prometheus asks by address.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if path in PROBES or path.startswith((settings.STATIC_URL, DEMO)):
            return self.get_response(request)
        if path == PATH:
            return exposition(request) or self.get_response(request)
        body = timed_body(request) if request.META.get("CONTENT_LENGTH") else None
        began = time.perf_counter()
        response = self.get_response(request)
        if not has_waited(request) and not is_own_probe(request):
            took = time.perf_counter() - began - (body.seconds if body is not None else 0.0)
            note("api" if path.startswith(API) else "pages", response.status_code, took)
        return response


class StatusPageMiddleware:
    """The status page knows nobody: who is logged in is not looked up for it, so that it answers without a database."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if path == STATUS or path.startswith((f"{STATUS}/", "/api/v2/")):
            request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
        return self.get_response(request)


class _Nothing:
    """Stands for a metric that is not kept."""

    def labels(self, **_labels: str) -> "_Nothing":
        return self

    def inc(self) -> None:
        return None

    def observe(self, _value: float) -> None:
        return None


class ChosenMetrics(Metrics):
    """Of django-prometheus: the time by view and method, and answers by status and view. The rest (ajax, charset,
    sizes, transports) costs more than it tells."""

    chosen: ClassVar = frozenset(
        {
            "django_http_requests_latency_seconds_by_view_method",
            "django_http_responses_total_by_status_view_method",
            "django_http_exceptions_total_by_type",
        }
    )

    def register_metric(
        self, metric_cls: Any, name: str, documentation: str, labelnames: Any = (), **kwargs: Any
    ) -> Any:
        """django-prometheus' hook."""
        if name not in self.chosen:
            return _Nothing()
        return super().register_metric(metric_cls, name, documentation, labelnames, registry=REGISTRY, **kwargs)


class PageMetricsMiddleware(PrometheusAfterMiddleware):
    """The time of pages by view: behind the gate, which answers the API's calls before."""

    metrics_cls = ChosenMetrics

    def process_request(self, request: HttpRequest) -> None:
        """Begin the time, and nothing else: the library reads the length of the body, which may be no number, for a
        figure that is not kept; and it would name a series after any method that a stranger invents."""
        if self._method(request) == request.method:
            request.prometheus_after_middleware_event = Time()  # type: ignore[attr-defined] # the library's own name
