"""Starting a run by hand: a form out of the workflow's inputs, or the inputs of an earlier run again."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from apps.accounts.requests import MemberRequest
from apps.accounts.web import form_of, organization_page
from apps.core.errors import DomainError
from apps.core.ids import new_id
from apps.workflows import selectors
from apps.workflows.errors import InvalidRunInputError
from apps.workflows.input_forms import RunForm
from apps.workflows.models import Run, Workflow
from apps.workflows.services.starting import Start, start_run
from apps.workflows.views.shared import tell, workflow_page


@organization_page("runs.start")
def run_now(request: MemberRequest, slug: str) -> HttpResponse:
    """Ask for the inputs, then start."""
    workflow = selectors.get_workflow(request.organization, slug)
    schema = (workflow.latest_version.definition if workflow.latest_version else {}).get("inputs", {})
    if request.method != "POST":
        return _page(request, workflow, RunForm(schema, initial={"token": new_id().hex}))
    form = RunForm(schema, request.POST)
    if not form.is_valid():
        return _page(request, workflow, form, status=422)
    try:
        run = _start(request, workflow, form.values(), form.cleaned_data["token"])
    except InvalidRunInputError as refusal:
        form.refuse(refusal.extra["errors"])
        return _page(request, workflow, form, status=422)
    except DomainError as refusal:
        form.add_error(None, str(refusal.detail))
        return _page(request, workflow, form, status=refusal.status)
    return redirect("run", run.public_id)


@form_of("run", "run_id")
@organization_page("runs.start")
def run_again(request: MemberRequest, run_id: str) -> HttpResponse:
    """Start the newest version with the inputs of an earlier run."""
    earlier = selectors.get_run(request.organization, run_id)
    try:
        run = _start(request, earlier.workflow, earlier.inputs, request.POST.get("token", ""))
    except DomainError as refusal:
        tell(request, refusal)
        return redirect("run", earlier.public_id)
    messages.success(request, _("Started again with the same inputs."))
    return redirect("run", run.public_id)


def _start(request: MemberRequest, workflow: Workflow, inputs: dict[str, Any], token: str) -> Run:
    """Start a run; the form's token makes a form that is sent twice one run."""
    return start_run(
        workflow,
        Start(
            kind=Run.TriggerKind.MANUAL,
            inputs=inputs,
            idempotency_key=f"page:{request.user.public_id}:{token[:64]}" if token else None,
            user=request.user,
            livemode=request.organization.livemode,
        ),
    )


def _page(request: MemberRequest, workflow: Workflow, form: RunForm, status: int = 200) -> HttpResponse:
    return workflow_page(request, "workflows/run_now.html", workflow, "", {"form": form}, status)
