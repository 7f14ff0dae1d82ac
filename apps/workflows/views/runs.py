"""Runs: the list, one run as it goes on, and what can be done to it."""

import json
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.accounts.requests import MemberRequest
from apps.accounts.web import form_of, organization_page
from apps.core.errors import DomainError
from apps.core.ids import new_id
from apps.core.pagination import paginate
from apps.core.templatetags.levqor import highlight
from apps.workflows import advice, selectors, timeline
from apps.workflows.forms import RunFilterForm
from apps.workflows.models import Run, StepRun
from apps.workflows.services.cancelling import cancel_run
from apps.workflows.views.shared import PAGE, is_fragment, tell, workflow_page

MOST_WORKFLOWS = 200  # in the list's filter
HIGHLIGHTED = 20_000  # characters up to which JSON is coloured


@require_safe
@organization_page("workflows.view")
def run_list(request: MemberRequest) -> HttpResponse:
    """The organization's runs."""
    named = selectors.workflows_of(request.organization).order_by("name").values_list("slug", "name")[:MOST_WORKFLOWS]
    form = RunFilterForm(request.GET, list(named))
    runs = selectors.runs_of(request.organization)
    if slug := request.GET.get("workflow"):
        runs = runs.filter(workflow=selectors.get_workflow(request.organization, slug))
    context = {"page_title": _("Runs"), "form": form, **_listed(request, runs)}
    return render(request, "workflows/runs.html", context)


@require_safe
@organization_page("workflows.view")
def workflow_runs(request: MemberRequest, slug: str) -> HttpResponse:
    """A workflow's runs."""
    workflow = selectors.get_workflow(request.organization, slug)
    runs = selectors.runs_of(request.organization).filter(workflow=workflow)
    context = {"form": RunFilterForm(request.GET, []), **_listed(request, runs)}
    return workflow_page(request, "workflows/workflow_runs.html", workflow, "workflow_runs", context)


def _listed(request: MemberRequest, runs: QuerySet[Run]) -> dict[str, Any]:
    for parameter, column, known in (
        ("state", "state", Run.State.values),
        ("trigger", "trigger_kind", Run.TriggerKind.values),
    ):
        wanted = request.GET.get(parameter)
        if wanted in known:
            runs = runs.filter(**{column: wanted})
    page = paginate(runs.select_related("created_by", "trigger"), request.GET.get("cursor"), PAGE)
    filtered = any(request.GET.get(name) for name in ("workflow", "state", "trigger", "cursor"))
    return {"runs": page.rows, "next_cursor": page.next_cursor, "filtered": filtered}


@require_safe
@never_cache
@organization_page("workflows.view")
def run_page(request: MemberRequest, run_id: str) -> HttpResponse:
    """One run."""
    run = selectors.get_run(request.organization, run_id)
    return render(request, "workflows/run.html", _run_context(request, run))


@require_safe
@never_cache
@organization_page("workflows.view")
def run_live(request: MemberRequest, run_id: str) -> HttpResponse:
    """The living part of a run's page; 204 while nothing has changed since `?after=`."""
    after = request.GET.get("after", "")
    if after == _stamp(selectors.get_run_summary(request.organization, run_id)):
        return HttpResponse(status=204)
    run = selectors.get_run(request.organization, run_id)
    return render(request, "workflows/_run_live.html", _run_context(request, run))


def _stamp(run: Run) -> str:
    """What changes with everything that the page shows of a run."""
    return f"{run.revision}-{run.state}-{'c' if run.cancel_requested_at else ''}"


def _run_context(request: MemberRequest, run: Run) -> dict[str, Any]:
    lines = timeline.of_run(run, request.actor)
    parent = None
    if run.parent_step_id:
        steps = StepRun.objects.for_organization(request.organization).select_related("run__workflow")
        parent = steps.filter(pk=run.parent_step_id).first()
    return {
        "page_title": run.workflow.name,
        "breadcrumbs": [
            {"label": _("Runs"), "url": reverse("runs")},
            {"label": run.workflow.name, "url": reverse("workflow", args=[run.workflow.slug])},
            {"label": _("Run")},
        ],
        "run": run,
        "stamp": _stamp(run),
        "timeline": lines,
        "parent": parent,
        "advice": advice.for_error(run.error),
        "values": [
            {"key": key, "label": label, "shown": shown(value)}
            for key, label, value in (
                ("output", _("Output"), run.output),
                ("inputs", _("Inputs"), run.inputs or None),
                ("trigger", _("What the trigger brought"), run.trigger_data or None),
            )
            if value is not None
        ],
        "token": new_id().hex,
        "may_run": request.may("runs.start"),
        "may_edit": request.may("workflows.edit"),
    }


@require_safe
@never_cache
@organization_page("workflows.view")
def run_step(request: MemberRequest, run_id: str, step_id: str) -> HttpResponse:
    """What went into a step and what came out: as a part of the run's page, or as a page of its own."""
    run = selectors.get_run_summary(request.organization, run_id)
    step = selectors.get_step(run, step_id)
    context = {
        "page_title": step.name or step.path,
        "breadcrumbs": [
            {"label": run.workflow.name, "url": reverse("workflow", args=[run.workflow.slug])},
            {"label": _("Run"), "url": reverse("run", args=[run.public_id])},
            {"label": step.path},
        ],
        "run": run,
        "step": step,
        "parts": [
            {"key": key, "label": label, "shown": shown(value)}
            for key, label, value in (
                ("error", _("Error"), step.error),
                ("input", _("Input"), step.input),
                ("output", _("Output"), step.output),
                ("attempts", _("Earlier attempts"), step.attempts or None),
            )
            if value is not None
        ],
    }
    return render(request, "workflows/_step.html" if is_fragment(request) else "workflows/step.html", context)


@require_safe
@never_cache
@organization_page("workflows.view")
def run_items(request: MemberRequest, run_id: str) -> HttpResponse:
    """A page of a loop's passes (`?step=path&page=2&failed=1`): as a part of the run's page, or as its own."""
    run = selectors.get_run_summary(request.organization, run_id)
    asked = request.GET.get("page", "1")
    page = timeline.items_of(
        run,
        request.actor,
        request.GET.get("step", ""),
        int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 1,
        failed_only=request.GET.get("failed") == "1",
    )
    context = {
        "page_title": page.title,
        "breadcrumbs": [
            {"label": run.workflow.name, "url": reverse("workflow", args=[run.workflow.slug])},
            {"label": _("Run"), "url": reverse("run", args=[run.public_id])},
            {"label": page.title},
        ],
        "run": run,
        "page": page,
        "address": reverse("run_items", args=[run.public_id]),
    }
    return render(request, "workflows/_items.html" if is_fragment(request) else "workflows/items.html", context)


@form_of("run", "run_id")
@organization_page("runs.start")
def run_cancel(request: MemberRequest, run_id: str) -> HttpResponse:
    """Stop a run before its next step."""
    run = selectors.get_run_summary(request.organization, run_id)
    try:
        cancelled = cancel_run(run)
    except DomainError as refusal:
        tell(request, refusal)
    else:
        words = _("The run was cancelled.") if cancelled.finished else _("The run stops before its next step.")
        messages.success(request, words)
    return redirect("run", run.public_id)


def shown(value: Any) -> SafeString:
    """A JSON value for people: a text as it is, anything else indented, coloured unless it is long."""
    if isinstance(value, str):
        return escape(value)
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return highlight(text, "json") if len(text) <= HIGHLIGHTED else escape(text)
