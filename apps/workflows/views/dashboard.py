"""What workflows show on the overview page."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.models import Invitation, Membership, Organization, TokenFamily
from apps.accounts.requests import MemberRequest
from apps.accounts.web import form_of, organization_page
from apps.core.clock import now
from apps.workflows import approvals, examples, selectors, statistics
from apps.workflows.models import Run, Workflow
from apps.workflows.run_charts import chart_of_days

RECENT = 8
SHOWN_APPROVALS = 5
HIDDEN_COOKIE = "getting_started_hidden"
HIDDEN_FOR = 365 * 24 * 3600


@dataclass(frozen=True)
class Task:
    """One line of the getting-started list."""

    title: str
    text: str
    done: bool
    url: str
    label: str


def has_runs(request: MemberRequest) -> bool:
    """Whether the organization ever ran anything; asked once per request."""
    known: bool | None = getattr(request, "_has_runs", None)
    if known is None:
        known = Run.objects.for_organization(request.organization).exists()
        request._has_runs = known  # type: ignore[attr-defined] # a note for the other cards of this request
    return known


def key_figures(request: MemberRequest) -> dict[str, Any] | None:
    """The last 30 days against the 30 before; nothing before the first run."""
    if not has_runs(request):
        return None
    moment = now()
    start = moment - statistics.PERIOD
    current = statistics.figures(request.organization, start, moment + timedelta(minutes=1))
    before = statistics.figures(request.organization, start - statistics.PERIOD, start)
    return {
        "current": current,
        "runs": _change(current.runs, before.runs),
        "success": _points(current.success_rate, before.success_rate),
        "speed": _slower(current.average_seconds, before.average_seconds),
        "open_approvals": selectors.open_approvals(request.organization).count(),
        "mine": approvals.count_mine(request.actor),
    }


def runs_chart(request: MemberRequest) -> dict[str, Any] | None:
    """Runs per day by how they ended."""
    if not has_runs(request):
        return None
    chart = chart_of_days(statistics.runs_per_day(request.organization))
    return None if chart.empty else {"chart": chart}


def recent_runs(request: MemberRequest) -> dict[str, Any] | None:
    """The newest runs."""
    if not has_runs(request):
        return None
    return {"runs": list(selectors.runs_of(request.organization).order_by("-pk")[:RECENT])}


def open_approvals(request: MemberRequest) -> dict[str, Any] | None:
    """What waits for a person; nothing when nothing does."""
    found = approvals.newest(request.actor, SHOWN_APPROVALS)
    return {"approvals": found} if found else None


def getting_started(request: MemberRequest) -> dict[str, Any] | None:
    """The first steps, until they are done or hidden."""
    organization = request.organization
    if request.COOKIES.get(HIDDEN_COOKIE) == organization.public_id:
        return None
    tasks = _tasks(request, organization)
    if all(task.done for task in tasks):
        return None
    return {
        "tasks": tasks,
        "done": sum(task.done for task in tasks),
        "next": next(task for task in tasks if not task.done),
        "fresh": not any(task.done for task in tasks),
        "examples": () if tasks[0].done else examples.every(),
        "name": request.user.name.split(" ")[0] if request.user.name else "",
    }


@form_of("dashboard")
@organization_page("organization.view")
def hide_getting_started(request: MemberRequest) -> HttpResponse:
    """Take the first steps off this person's overview."""
    response = redirect("dashboard")
    response.set_cookie(
        HIDDEN_COOKIE,
        request.organization.public_id,
        max_age=HIDDEN_FOR,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response


def _tasks(request: MemberRequest, organization: Organization) -> list[Task]:
    first = Workflow.objects.for_organization(organization).filter(archived_at=None).order_by("pk").first()
    others = Membership.objects.for_organization(organization).count() > 1
    invited = others or Invitation.objects.for_organization(organization).exists()
    invite = Task(
        _("Invite your team"),
        _("Colleagues can look, build, approve or pay, as their role says."),
        invited,
        reverse("members"),
        _("Invite"),
    )
    terminal = TokenFamily.objects.for_organization(organization).filter(origin=TokenFamily.Origin.DEVICE).exists()
    return [
        Task(
            _("Create a workflow"),
            _("Start from an example that works as it is, or from an empty page."),
            first is not None,
            reverse("workflow_new"),
            _("New workflow"),
        ),
        Task(
            _("Run it"),
            _("Watch every step as it happens."),
            has_runs(request),
            reverse("workflow_run", args=[first.slug]) if first else reverse("workflows"),
            _("Run now"),
        ),
        *([invite] if request.may("members.manage") else []),
        Task(
            _("Connect your terminal"),
            _("Publish from a repository and follow runs where you work."),
            terminal,
            reverse("tokens"),
            _("How to connect"),
        ),
    ]


def _change(current: int, before: int) -> dict[str, str]:
    if not before:
        return {"note": _("in the last 30 days"), "tone": "muted"}
    share = round((current - before) / before * 100)
    sign = "▲" if share > 0 else "▼" if share < 0 else "="
    note = _("%(sign)s %(share)s %% against the 30 days before") % {"sign": sign, "share": abs(share)}
    return {"note": note, "tone": "muted"}


def _points(current: float | None, before: float | None) -> dict[str, str]:
    if current is None:
        return {"note": _("no run has succeeded or failed yet"), "tone": "muted"}
    if before is None:
        return {"note": _("of those that succeeded or failed"), "tone": "muted"}
    points = round((current - before) * 100, 1)
    if points == 0:
        return {"note": _("as in the 30 days before"), "tone": "muted"}
    words = _("▲ %(points)s points") if points > 0 else _("▼ %(points)s points")
    return {"note": words % {"points": abs(points)}, "tone": "up" if points > 0 else "down"}


def _slower(current: float | None, before: float | None) -> dict[str, str]:
    if current is None or not before:
        return {"note": _("of runs that succeeded"), "tone": "muted"}
    share = round((current - before) / before * 100)
    if share == 0:
        return {"note": _("as in the 30 days before"), "tone": "muted"}
    words = _("▲ %(share)s %% slower") if share > 0 else _("▼ %(share)s %% faster")
    return {"note": words % {"share": abs(share)}, "tone": "down" if share > 0 else "up"}
