"""The first page of the administration: what each app contributes, to staff who may see it."""

from typing import Any

from django.http import HttpRequest

from apps.core.kinds import StaffFigures, StaffPanel
from apps.core.registry import registry


def context(request: HttpRequest, page: dict[str, Any]) -> dict[str, Any]:
    """Unfold's dashboard callback: adds `groups` of figures and `panels` to the page."""

    def mine(kind: Any) -> list[Any]:
        allowed = [item for item in registry(kind).all() if request.user.has_perm(item.permission)]
        return sorted(allowed, key=lambda item: (item.order, item.name))

    groups = [{"label": group.label, "figures": group.figures()} for group in mine(StaffFigures)]
    panels = [{"label": panel.label, "template": panel.template, "data": panel.context()} for panel in mine(StaffPanel)]
    return {**page, "groups": groups, "panels": panels, "nothing_to_see": not (groups or panels or page["app_list"])}
