"""The measured views for everybody: who calls is not asked, but taken from memory."""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from django.http import HttpResponse
from django.urls import path

from apps.accounts.models import Role
from apps.accounts.permissions import Actor
from apps.usage.api import PingView
from apps.workflows.api.runs import RunView
from apps.workflows.models import Run


@cache
def _owners() -> dict[str, Actor]:
    """Who may see each run; under "" anybody of them."""
    rows = Run.objects.unscoped().select_related("organization__created_by")
    found = {
        row.public_id: Actor(row.organization.created_by, row.organization, "token", Role.OWNER.value) for row in rows
    }
    return {"": next(iter(found.values())), **found}


def _open(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    @wraps(view)
    def answer(request: Any, run: str = "", **names: str) -> HttpResponse:
        request.actor = request.access = _owners()[run]
        return view(request, **({"run": run} if run else {}), **names)

    return answer


urlpatterns = [
    path("api/v1/ping", _open(PingView.as_view())),
    path("api/v1/runs/<str:run>", _open(RunView.as_view())),
]
