"""The overview: cards that other rooms bring."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.accounts.permissions import can
from apps.accounts.requests import MemberRequest
from apps.accounts.web import organization_page
from apps.core.kinds import DashboardCard
from apps.core.registry import registry

AREAS = ("stats", "main", "side")


@dataclass(frozen=True)
class FilledCard:
    """A card with what its template needs."""

    name: str
    template: str
    context: dict[str, Any]


def cards_for(request: MemberRequest) -> dict[str, list[FilledCard]]:
    """The cards that this member may see and that have something to show, by area, in order."""
    areas: dict[str, list[FilledCard]] = {area: [] for area in AREAS}
    for card in sorted(registry(DashboardCard).all(), key=lambda card: (card.order, card.name)):
        if card.permission and not can(request.actor, card.permission, request.organization):
            continue
        context = card.context(request)
        if context is not None:
            areas[card.area].append(FilledCard(card.name, card.template, context))
    return areas


@require_safe
@organization_page("organization.view")
def dashboard(request: MemberRequest) -> HttpResponse:
    """Where a member lands."""
    return render(request, "accounts/dashboard.html", {"page_title": _("Overview"), "cards": cards_for(request)})
