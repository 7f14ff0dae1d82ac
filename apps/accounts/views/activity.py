"""Who did what in the organization: its audit log, to read."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.accounts.requests import MemberRequest
from apps.accounts.web import organization_page
from apps.audit.selectors import entries_for
from apps.core.pagination import paginate, parse_limit


@require_safe
@organization_page("activity.view")
def activity(request: MemberRequest) -> HttpResponse:
    """The organization's entries, newest first."""
    entries = entries_for(request.organization.pk)
    page = paginate(entries, request.GET.get("cursor"), parse_limit(request.GET.get("limit")))
    context = {
        "page_title": _("Activity"),
        "page_lead": _("Who did what in %(name)s. The record cannot be changed.") % {"name": request.organization.name},
        "entries": page.rows,
        "next_cursor": page.next_cursor,
    }
    return render(request, "accounts/activity.html", context)
