"""The list of workflows, a workflow's overview, and what can be done to it as a whole."""

from dataclasses import dataclass
from datetime import timedelta

from django.contrib import messages
from django.db.models import Prefetch, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.accounts.requests import MemberRequest
from apps.accounts.web import form_of, organization_page
from apps.core.clock import now
from apps.core.pagination import paginate
from apps.workflows import examples, graph, selectors, statistics
from apps.workflows.models import Run, Trigger, Workflow
from apps.workflows.run_charts import chart_of_days
from apps.workflows.services import publishing
from apps.workflows.views.shared import PAGE, workflow_page

LATEST = 8


@dataclass(frozen=True)
class Row:
    """A workflow in the list; `runs` are those that succeeded or failed in the last 30 days."""

    workflow: Workflow
    last_run: Run | None
    success_rate: float | None
    runs: int


@require_safe
@organization_page("workflows.view")
def workflow_list(request: MemberRequest) -> HttpResponse:
    """The organization's workflows."""
    organization = request.organization
    archived = request.GET.get("show") == "archived"
    search = request.GET.get("q", "").strip()[:100]
    found = selectors.workflows_of(organization, archived=archived)
    if search:
        found = found.filter(Q(name__icontains=search) | Q(slug__icontains=search))
    triggers = Trigger.objects.for_organization(organization).only("workflow_id", "name", "kind", "enabled", "config")
    page = paginate(found.prefetch_related(Prefetch("triggers", triggers)), request.GET.get("cursor"), PAGE)
    latest = statistics.latest_runs(organization, page.rows)
    rates = statistics.success_rates(organization, page.rows)
    rows = []
    for workflow in page.rows:
        counted = rates.get(workflow.pk)
        rate, ended = (counted.success_rate, counted.succeeded + counted.failed) if counted else (None, 0)
        rows.append(Row(workflow, latest.get(workflow.pk), rate, ended))
    bare = not (rows or archived or search or request.GET.get("cursor"))
    context = {
        "page_title": _("Workflows"),
        "rows": rows,
        "next_cursor": page.next_cursor,
        "archived": archived,
        "search": search,
        "examples": examples.every() if bare else [],
        "may_edit": request.may("workflows.edit"),
    }
    return render(request, "workflows/list.html", context)


@require_safe
@organization_page("workflows.view")
def workflow(request: MemberRequest, slug: str) -> HttpResponse:
    """A workflow at a glance."""
    found = selectors.get_workflow(request.organization, slug)
    version = found.latest_version
    moment = now()
    figures = statistics.figures(request.organization, moment - statistics.PERIOD, moment + timedelta(hours=1), found)
    chart = chart_of_days(statistics.runs_per_day(request.organization, found)) if figures.runs else None
    context = {
        "version": version,
        "graph": graph.draw(version.definition) if version else None,
        "runs": list(selectors.runs_of(request.organization).filter(workflow=found).order_by("-pk")[:LATEST]),
        "figures": figures,
        "chart": chart if chart and not chart.empty else None,
        "triggers": list(found.triggers.order_by("pk")),
    }
    return workflow_page(request, "workflows/overview.html", found, "workflow", context)


@form_of("workflow_triggers", "slug")
@organization_page("workflows.edit")
def switch(request: MemberRequest, slug: str) -> HttpResponse:
    """Let all triggers of a workflow fire, or none."""
    found = selectors.get_workflow(request.organization, slug)
    publishing.set_enabled(found, enabled=request.POST.get("enabled") == "on")
    messages.success(request, _("Triggers are on.") if found.enabled else _("Triggers are paused."))
    return redirect("workflow_triggers", found.slug)


@form_of("workflow", "slug")
@organization_page("workflows.edit")
def archive(request: MemberRequest, slug: str) -> HttpResponse:
    """Take a workflow out of use."""
    found = selectors.get_workflow(request.organization, slug)
    publishing.archive_workflow(found)
    messages.success(request, _("“%(name)s” is archived. Its runs stay readable.") % {"name": found.name})
    return redirect("workflow", found.slug)


@form_of("workflow", "slug")
@organization_page("workflows.edit")
def restore(request: MemberRequest, slug: str) -> HttpResponse:
    """Bring a workflow back."""
    found = selectors.get_workflow(request.organization, slug)
    publishing.restore_workflow(found)
    messages.success(request, _("“%(name)s” is back in use.") % {"name": found.name})
    return redirect("workflow", found.slug)
