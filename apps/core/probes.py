"""What machines ask to know whether this process serves: `/healthz` and `/readyz`."""

from collections.abc import Callable

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse

GetResponse = Callable[[HttpRequest], HttpResponse]


def _alive() -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


def _ready() -> HttpResponse:
    """The process answers and reaches its database; 503 where it doesn't. Why not is the doctor's to say.

    It asks neither Redis nor the queue: without them requests are served still, limits are counted in the database and
    runs begin with the next tick. Whoever sends requests elsewhere for that would turn a slow platform into a dead one.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return JsonResponse({"status": "unavailable"}, status=503)
    return JsonResponse({"status": "ready"})


PROBES = {"/healthz": _alive, "/readyz": _ready}


class ProbeMiddleware:
    """Answers the probes whatever `Host` they send: an orchestrator asks by the address of the pod.

    It stands before everything that checks the host, opens a session or looks who is asking.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        probe = PROBES.get(request.path_info)
        if probe is None:
            return self.get_response(request)
        return probe() if request.method in ("GET", "HEAD") else HttpResponseNotAllowed(["GET", "HEAD"])
