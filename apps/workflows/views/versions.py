"""A workflow's versions: the list, one of them, the difference of two, and back to an old one."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.accounts.requests import MemberRequest
from apps.accounts.web import form_of, organization_page
from apps.core.errors import DomainError
from apps.core.pagination import paginate
from apps.workflows import graph, selectors
from apps.workflows.diffs import compare
from apps.workflows.services.publishing import publish_version
from apps.workflows.views.shared import PAGE, tell, workflow_page


@require_safe
@organization_page("workflows.view")
def versions(request: MemberRequest, slug: str) -> HttpResponse:
    """All versions, newest first."""
    workflow = selectors.get_workflow(request.organization, slug)
    found = workflow.versions.defer("source", "definition").select_related("created_by")
    page = paginate(found, request.GET.get("cursor"), PAGE)
    context = {"versions": page.rows, "next_cursor": page.next_cursor}
    return workflow_page(request, "workflows/versions.html", workflow, "workflow_versions", context)


@require_safe
@organization_page("workflows.view")
def version(request: MemberRequest, slug: str, number: int) -> HttpResponse:
    """One version: its text and graph, or what it changed against another (`?against=`, 0 for none)."""
    workflow = selectors.get_workflow(request.organization, slug)
    found = selectors.get_version(workflow, number)
    asked = request.GET.get("against", "")
    against = (
        selectors.get_version(workflow, int(asked))
        if asked.isascii() and asked.isdigit() and len(asked) < 10 and int(asked)
        else None
    )
    numbers = workflow.versions.exclude(pk=found.pk).order_by("-number").values_list("number", flat=True)[:200]
    context = {
        "version": found,
        "against": against,
        "numbers": list(numbers),
        "lines": compare(against.source, found.source) if against else [],
        "graph": graph.draw(found.definition),
    }
    return workflow_page(request, "workflows/version.html", workflow, "workflow_versions", context)


@form_of("workflow_version", "slug", "number")
@organization_page("workflows.edit")
def restore_version(request: MemberRequest, slug: str, number: int) -> HttpResponse:
    """Publish an old version's text again, as the newest version."""
    workflow = selectors.get_workflow(request.organization, slug)
    found = selectors.get_version(workflow, number)
    message = _("Version %(number)s again") % {"number": number}
    try:
        published = publish_version(workflow, found.source, request.actor, message=message)
    except DomainError as refusal:
        tell(request, refusal)
        return redirect("workflow_version", workflow.slug, number)
    if published.created:
        words = _("Version %(new)s is live; it is the text of version %(old)s.")
        messages.success(request, words % {"new": published.version.number, "old": number})
    else:
        messages.info(request, _("That is the newest text already."))
    return redirect("workflow_versions", workflow.slug)
