"""The first page of the administration, and that of operations: what each app contributes, to staff who may see it."""

from typing import Any

from django.http import HttpRequest

from apps.core.kinds import StaffFigures, StaffPage, StaffPanel
from apps.core.registry import registry


def context(request: HttpRequest, page: dict[str, Any]) -> dict[str, Any]:
    """Unfold's dashboard callback: adds `groups` of figures and `panels` to the first page."""
    added = told_on("overview", request)
    return {**page, **added, "nothing_to_see": not (added["groups"] or added["panels"] or page["app_list"])}


def told_on(page: StaffPage, request: HttpRequest) -> dict[str, list[dict[str, Any]]]:
    """What apps tell on a page, as far as this person may see it."""

    def mine(kind: Any) -> list[Any]:
        allowed = [one for one in registry(kind).all() if one.page == page and request.user.has_perm(one.permission)]
        return sorted(allowed, key=lambda one: (one.order, one.name))

    return {
        "groups": [
            {"label": group.label, "figures": group.figures(), "note": group.note} for group in mine(StaffFigures)
        ],
        "panels": [
            {"label": panel.label, "template": panel.template, "data": panel.context()} for panel in mine(StaffPanel)
        ],
    }
