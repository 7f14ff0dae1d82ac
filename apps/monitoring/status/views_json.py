"""The status page for programs, in the words of Statuspage's API, which many of them know. No SQL while it is warm."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from apps.monitoring.status.summary import Shown, summary
from apps.monitoring.status.views import shared, told_of


def _json(body: dict[str, Any], shown: Shown) -> JsonResponse:
    about = {
        "id": "levqor",
        "name": "Levqor",
        "url": f"{settings.SITE_URL}/status",
        "time_zone": "Etc/UTC",
        "updated_at": shown.value["updated_at"],
    }
    response = JsonResponse({"page": about, **body})
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    shared(response)
    return response


def _status(shown: Shown) -> dict[str, str]:
    context = told_of(shown)
    return {"indicator": context["indicator"], "description": str(context["description"])}


def _parts_json(shown: Shown) -> list[dict[str, Any]]:
    return [
        {
            "id": one["id"],
            "name": one["name"],
            "description": one["description"],
            "status": one["status"],
            "position": place,
            "updated_at": shown.value["updated_at"],
            "uptime": one["uptime"],
        }
        for place, one in enumerate(shown.value["components"], start=1)
    ]


@require_safe
def summary_json(_request: HttpRequest) -> JsonResponse:
    """Everything that is so now."""
    shown = summary()
    body = {
        "status": _status(shown),
        "components": _parts_json(shown),
        "incidents": shown.value["incidents"],
        "scheduled_maintenances": shown.value["maintenances"],
    }
    return _json(body, shown)


@require_safe
def status_json(_request: HttpRequest) -> JsonResponse:
    """The page's one word."""
    shown = summary()
    return _json({"status": _status(shown)}, shown)


@require_safe
def components_json(_request: HttpRequest) -> JsonResponse:
    """Each component."""
    shown = summary()
    return _json({"components": _parts_json(shown)}, shown)


@require_safe
def incidents_json(_request: HttpRequest) -> JsonResponse:
    """What is open, and what was in the last two weeks; without maintenance."""
    shown = summary()
    known = [*shown.value["incidents"], *shown.value["recent"]]
    return _json({"incidents": [one for one in known if one["kind"] == "incident"]}, shown)


@require_safe
def maintenances_json(_request: HttpRequest) -> JsonResponse:
    """Maintenance that is announced or in progress, and that of the last two weeks."""
    shown = summary()
    known = [*shown.value["maintenances"], *shown.value["recent"]]
    return _json({"scheduled_maintenances": [one for one in known if one["kind"] == "maintenance"]}, shown)
