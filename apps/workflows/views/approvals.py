"""Steps that wait for a person."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.accounts.requests import MemberRequest
from apps.accounts.web import form_of, organization_page
from apps.core.errors import DomainError
from apps.core.pagination import paginate
from apps.workflows import approvals, selectors
from apps.workflows.forms import DecisionForm
from apps.workflows.services.approving import decide
from apps.workflows.views.shared import PAGE, tell


@require_safe
@organization_page("workflows.view")
def approval_list(request: MemberRequest) -> HttpResponse:
    """What waits for an answer, the member's own to decide marked."""
    page = paginate(selectors.open_approvals(request.organization), request.GET.get("cursor"), PAGE)
    context = {
        "page_title": _("Approvals"),
        "approvals": [approvals.shown(step, request.actor) for step in page.rows],
        "next_cursor": page.next_cursor,
    }
    return render(request, "workflows/approvals.html", context)


@form_of("run", "run_id")
@organization_page("runs.decide")
def step_decide(request: MemberRequest, run_id: str, step_id: str) -> HttpResponse:
    """Approve or reject, then go back to where the answer was given."""
    run = selectors.get_run_summary(request.organization, run_id)
    step = selectors.get_step(run, step_id)
    form = DecisionForm(request.POST)
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, None):
        back = reverse("run", args=[run.public_id])
    if not form.is_valid():
        messages.error(request, _("Choose to approve or to reject; a comment has at most 2,000 characters."))
        return redirect(back)
    try:
        decide(step, request.actor, form.cleaned_data["decision"], form.cleaned_data["comment"])
    except DomainError as refusal:
        tell(request, refusal)
    else:
        approved = form.cleaned_data["decision"] == "approve"
        messages.success(request, _("Approved. The run goes on.") if approved else _("Rejected."))
    return redirect(back)
