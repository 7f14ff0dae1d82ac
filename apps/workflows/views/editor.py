"""The editor: a text that is checked and drawn while one types, then published as the next version."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.models import Organization
from apps.accounts.requests import MemberRequest
from apps.accounts.web import form_of, organization_page
from apps.core.errors import DomainError
from apps.core.form_refusals import add_refusal
from apps.workflows import examples, graph, limits, reference, selectors
from apps.workflows.definition.meaning import each_step
from apps.workflows.definition.source import read
from apps.workflows.definition.validate import check_source
from apps.workflows.engine.vault import secret_names
from apps.workflows.errors import InvalidDefinitionError, OvertakenError
from apps.workflows.forms import PublishForm
from apps.workflows.models import Secret, Workflow
from apps.workflows.services import publishing
from apps.workflows.services.publishing import Published


@dataclass(frozen=True)
class Check:
    """What the editor tells about a text: its problems, its graph, and what it still lacks around it."""

    problems: list[dict[str, Any]]
    graph: graph.Graph | None
    hints: list[dict[str, str]]


@organization_page("workflows.edit")
def new(request: MemberRequest) -> HttpResponse:
    """A new workflow, from an example or from little."""
    if request.method == "POST":
        return _publish(request, None)
    chosen = request.GET.get("from", "")
    form = PublishForm(initial={"source": examples.source_of(chosen)})
    return _editor(request, form, None, chosen=chosen)


@organization_page("workflows.edit")
def edit(request: MemberRequest, slug: str) -> HttpResponse:
    """The next version of a workflow."""
    workflow = selectors.get_workflow(request.organization, slug)
    if request.method == "POST":
        return _publish(request, workflow)
    latest = workflow.latest_version
    source, base = (latest.source, latest.number) if latest else (examples.BLANK, 0)
    return _editor(request, PublishForm(initial={"source": source, "base": base}), workflow)


@form_of("workflow_new")
@organization_page("workflows.edit")
def check(request: MemberRequest) -> HttpResponse:
    """The editor's question while one types: problems and graph of a text, nothing stored."""
    source = request.POST.get("source", "")
    return render(request, "workflows/_check.html", {"check": _check(request.organization, source)})


def _check(organization: Organization, source: str) -> Check:
    source = _lines(source)
    definition, problems = check_source(source)
    if definition is None:
        last = max(source.rstrip().count("\n") + 1, 1)  # YAML's parser may complain about the line after the last
        return Check([problem.as_dict() | {"line": min(problem.line, last)} for problem in problems], None, [])
    document = read(source)
    lines = {step["id"]: document.locate(path)[0] for path, step in each_step(definition["steps"], ("steps",))}
    return Check([], graph.draw(definition, lines), _hints(organization, definition))


def _hints(organization: Organization, definition: dict[str, Any]) -> list[dict[str, str]]:
    """What is missing around a sound definition: secrets and workflows that it names."""
    hints = []
    names = secret_names(definition)
    if names:
        stored = Secret.objects.for_organization(organization).filter(name__in=names).values_list("name", flat=True)
        hints += [
            {"text": _("The secret “%(name)s” is not stored yet.") % {"name": name}, "url": reverse("secrets")}
            for name in sorted(names - set(stored))
        ]
    called = publishing.called_workflows(definition)
    if called:
        own = Workflow.objects.for_organization(organization).filter(slug__in=called, archived_at=None)
        missing = sorted(called - set(own.values_list("slug", flat=True)))
        words = _("There is no workflow “%(name)s” yet.")
        hints += [{"text": words % {"name": name}, "url": reverse("workflow_new")} for name in missing]
    return hints


def _publish(request: MemberRequest, workflow: Workflow | None) -> HttpResponse:
    form = PublishForm(request.POST)
    if not form.is_valid():
        return _editor(request, form, workflow, status=422)
    source, message = _lines(form.cleaned_data["source"]), form.cleaned_data["message"]
    try:
        if workflow is None:
            done = publishing.create_workflow(request.organization, source, request.actor, message=message)
        else:
            base = form.cleaned_data["base"]
            done = publishing.publish_version(workflow, source, request.actor, message=message, base=base)
    except OvertakenError as refusal:
        newest = refusal.extra["newest"]
        words = _(
            "Version %(number)s was published while you were editing. Look at it first; publishing now replaces it."
        )
        form = PublishForm(initial={"source": source, "message": message, "base": newest})
        return _editor(request, form, workflow, status=refusal.status, overtaken=words % {"number": newest})
    except InvalidDefinitionError as refusal:
        return _editor(request, form, workflow, status=422, problems=refusal.extra["errors"])
    except DomainError as refusal:
        add_refusal(form, refusal)
        return _editor(request, form, workflow, status=refusal.status)
    _tell(request, done)
    return redirect("workflow", done.workflow.slug)


def _tell(request: MemberRequest, done: Published) -> None:
    if done.created:
        messages.success(request, _("Version %(number)s is live.") % {"number": done.version.number})
    else:
        messages.info(request, _("Nothing changed: this is the newest version already."))


def _editor(
    request: MemberRequest,
    form: PublishForm,
    workflow: Workflow | None,
    *,
    status: int = 200,
    chosen: str = "",
    overtaken: str = "",
    problems: list[dict[str, Any]] | None = None,
) -> HttpResponse:
    source = form["source"].value() or ""
    checked = _check(request.organization, source)
    if problems and not checked.problems:
        checked = Check(problems, checked.graph, checked.hints)
    crumbs = [{"label": _("Workflows"), "url": reverse("workflows")}]
    if workflow:
        crumbs.append({"label": workflow.name, "url": reverse("workflow", args=[workflow.slug])})
    context = {
        "page_title": _("Edit %(name)s") % {"name": workflow.name} if workflow else _("New workflow"),
        "breadcrumbs": [*crumbs, {"label": _("Edit") if workflow else _("New")}],
        "form": form,
        "workflow": workflow,
        "check": checked,
        "reference": reference.entries(),
        "examples": () if workflow else examples.every(),
        "chosen": chosen,
        "overtaken": overtaken,
        "most_bytes": limits.SOURCE_BYTES,
        "refused": status != 200 and bool(checked.problems),
        "leave_url": reverse("workflow", args=[workflow.slug]) if workflow else reverse("workflows"),
    }
    return render(request, "workflows/editor.html", context, status=status)


def _lines(text: str) -> str:
    """The text with plain line ends: browsers send CRLF."""
    return text.replace("\r\n", "\n")
