"""What the pages of workflows have in common."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.requests import MemberRequest
from apps.core.errors import DomainError
from apps.core.pagination import DEFAULT_LIMIT
from apps.workflows.models import Workflow

PAGE = DEFAULT_LIMIT


def is_fragment(request: HttpRequest) -> bool:
    """Whether the page's own script asks for a part of a page."""
    return request.headers.get("X-Fragment") == "true"


def tell(request: HttpRequest, refusal: DomainError) -> None:
    """Show a refusal on the next page."""
    messages.error(request, str(refusal.detail))


def workflow_page(
    request: MemberRequest, template: str, workflow: Workflow, tab: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    """A tab of a workflow's pages."""
    tabs = [
        ("workflow", _("Overview")),
        ("workflow_runs", _("Runs")),
        ("workflow_triggers", _("Triggers")),
        ("workflow_versions", _("Versions")),
    ]
    base = {
        "page_title": workflow.name,
        "workflow": workflow,
        "breadcrumbs": [{"label": _("Workflows"), "url": reverse("workflows")}, {"label": workflow.name}],
        "tabs": [
            {"label": label, "url": reverse(name, args=[workflow.slug]), "current": name == tab} for name, label in tabs
        ],
        "may_edit": request.may("workflows.edit"),
        "may_run": request.may("runs.start") and workflow.archived_at is None,
    }
    return render(request, template, base | context, status=status)
