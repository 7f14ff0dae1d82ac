"""`GET /metrics`: the series of all processes of this machine, and the gauges that a worker read. No SQL."""

import re
import time
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

from apps.monitoring.metrics import folder
from apps.monitoring.metrics.reading import LAST_READ
from apps.monitoring.metrics.requests import hand_over

PATH = "/metrics"
# What proxies add, by how its name begins or ends: each has names of its own.
PASSED_ON = re.compile(
    r"HTTP_(?:X_)?(?:ORIGINAL_)?FORWARDED.*|HTTP.*_(?:CLIENT_IP|REAL_IP|CONNECTING_IP|EXTERNAL_ADDRESS)|HTTP_VIA"
)
THIS_MACHINE = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?", re.IGNORECASE)


def exposition(request: HttpRequest) -> HttpResponse | None:
    """The answer for whoever may read it; None for everybody else, for whom there is nothing here."""
    if request.method not in ("GET", "HEAD") or not may_read(request):
        return None
    return HttpResponse(rendered(), content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


def may_read(request: HttpRequest) -> bool:
    """Who shows METRICS_TOKEN. Where none is set: this machine itself, outside of production.

    A proxy on this machine calls from it too: what it passes on is a stranger's. It says so, if it is set up well;
    production does not rely on that. So does a browser, for a page whose name a stranger points here: it asks by that.
    """
    token = settings.METRICS_TOKEN
    if token:
        kind, _space, shown = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        return kind.lower() == "bearer" and constant_time_compare(shown.strip(), token)
    if settings.LEVQOR_ENV == "production" or not THIS_MACHINE.fullmatch(request.META.get("HTTP_HOST", "")):
        return False
    if any(map(PASSED_ON.fullmatch, request.META)):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR") or "").is_loopback
    except ValueError:
        return False


def rendered() -> bytes:
    """What Prometheus reads."""
    hand_over()
    registry = CollectorRegistry()
    registry.register(_Gauges())
    registry.register(_Processes())
    with folder.locked(alone=False):
        return generate_latest(registry)


class _Processes:
    """The series of all processes of this machine."""

    def collect(self) -> Iterable[Any]:
        files = [str(file) for file in folder.folder().glob("*.db") if folder.is_whole(file)]
        found: Iterable[Any] = MultiProcessCollector.merge(files)
        return found


class _Gauges:
    """What a worker read last, with its age: figures that stand still must not look like figures that are well."""

    def collect(self) -> Iterator[Any]:
        copy = LAST_READ.get()
        build = GaugeMetricFamily("levqor_build_info", "Which version runs.", labels=("version",))
        build.add_metric((settings.VERSION,), 1)
        yield build
        if copy is None:
            return
        yield GaugeMetricFamily(
            "levqor_gauges_age_seconds", "Since a worker read the gauges.", value=max(time.time() - copy.at, 0.0)
        )
        for gauge in copy.value:
            family = GaugeMetricFamily(gauge["name"], gauge["help"], labels=gauge["labels"])
            for labels, value in gauge["values"]:
                family.add_metric(labels, value)
            yield family
