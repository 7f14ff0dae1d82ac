"""Small services to automate against. They exist only where DEMO is on, and all their data is plainly demo data."""

import hashlib
import json
from functools import wraps
from typing import Any, ParamSpec, Protocol

import structlog
from django.conf import settings
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

log = structlog.get_logger(__name__)
P = ParamSpec("P")
FLAKY, BROKEN = "3", "5"
CUSTOMERS = [{"id": str(number), "name": f"Demo Customer {number}"} for number in range(1, 7)]
ORDERS = [
    {"id": f"order-{number:03}", "customer": f"Demo Customer {1 + number % 6}", "status": status, "total": total}
    for number, (status, total) in enumerate(
        [("open", 480), ("open", 75), ("paid", 220), ("open", 1250), ("open", 310), ("paid", 90), ("open", 140)], 1
    )
]


class _View(Protocol[P]):
    def __call__(self, request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse: ...


def demo_only(view: _View[P]) -> _View[P]:
    """404 outside of a demo."""

    @wraps(view)
    def wrapped(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not settings.DEMO:
            raise Http404
        response = view(request, *args, **kwargs)
        if response.status_code >= 500:  # on purpose: no error of ours
            log.info("demo_service_unavailable", path=request.path, status=response.status_code)
            response._has_been_logged = True  # type: ignore[attr-defined]  # Django's own way to say so
        return response

    return csrf_exempt(wrapped)


@demo_only
@require_GET
def orders(request: HttpRequest) -> HttpResponse:
    """`GET /demo/orders?status=open&minimum=100`"""
    status, minimum = request.GET.get("status"), request.GET.get("minimum", "0")
    try:
        least = float(minimum)
    except ValueError:
        return JsonResponse({"error": "minimum is a number"}, status=400)
    found = [order for order in ORDERS if status in (None, order["status"]) and float(str(order["total"])) >= least]
    return JsonResponse({"orders": found, "count": len(found)})


@demo_only
@require_GET
def customers(request: HttpRequest) -> HttpResponse:
    """`GET /demo/customers`"""
    return JsonResponse({"customers": CUSTOMERS})


@demo_only
@require_POST
def notify(request: HttpRequest, customer: str) -> HttpResponse:
    """`POST /demo/customers/3/notify`: customer 3 answers at the second attempt only, customer 5 never."""
    if customer == BROKEN:
        return JsonResponse({"error": "this demo customer is always out of order"}, status=503)
    if customer == FLAKY and _first_time(request):
        response = JsonResponse({"error": "busy, try again"}, status=503)
        response["Retry-After"] = "1"
        return response
    return JsonResponse({"notified": customer})


def _first_time(request: HttpRequest) -> bool:
    key = request.headers.get("Idempotency-Key", "")
    return cache.add(f"demo:notify:{hashlib.sha256(key.encode()).hexdigest()}", 1, 3600)


@demo_only
@require_POST
def tickets(request: HttpRequest) -> HttpResponse:
    """`POST /demo/tickets` with a bearer token: the same Idempotency-Key always gives the same ticket."""
    if not request.headers.get("Authorization", "").startswith("Bearer demo"):
        return JsonResponse({"error": "a bearer token that starts with demo is needed"}, status=401)
    try:
        body: Any = json.loads(request.body)
    except ValueError:
        return JsonResponse({"error": "the body is no JSON"}, status=400)
    key = request.headers.get("Idempotency-Key") or request.body.decode("utf-8", "replace")
    number = hashlib.sha256(key.encode()).hexdigest()[:8].upper()
    return JsonResponse({"id": f"DEMO-{number}", "ticket": body}, status=201)


@demo_only
@require_GET
def status(request: HttpRequest) -> HttpResponse:
    """`GET /demo/status`"""
    return JsonResponse({"status": "ok"})
