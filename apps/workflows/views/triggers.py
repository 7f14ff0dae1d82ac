"""What starts a workflow by itself: schedules and webhooks, switched and signed."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.accounts.models import Organization
from apps.accounts.permissions import require_own_account
from apps.accounts.requests import MemberRequest
from apps.accounts.web import form_of, organization_page
from apps.core.brand import current_brand
from apps.core.errors import NotFoundError
from apps.core.ids import to_public
from apps.workflows import selectors
from apps.workflows.models import Run, Trigger, Workflow
from apps.workflows.services.trigger_settings import reveal_signing_secret, switch_trigger
from apps.workflows.services.triggers import rotate_signing_secret
from apps.workflows.views.shared import workflow_page


@dataclass(frozen=True)
class Shown:
    """A trigger on its page; `address` and `secret` of a webhook, the secret only while it is revealed."""

    trigger: Trigger
    address: str = ""
    secret: str = ""

    @property
    def last_run_id(self) -> str:
        """The public id of the run that it started last."""
        last = self.trigger.last_run_id
        return to_public(Run.public_prefix, last) if last else ""

    @property
    def outcome(self) -> tuple[str, str, str]:
        """What is said before the last run's id, the id where it is named, and what is said after it."""
        return self.trigger.last_outcome.partition(self.last_run_id or "\0")


@require_safe
@never_cache
@organization_page("workflows.view")
def triggers(request: MemberRequest, slug: str) -> HttpResponse:
    """A workflow's triggers."""
    return _page(request, selectors.get_workflow(request.organization, slug))


@form_of("workflow_triggers", "slug")
@organization_page("workflows.edit")
def trigger_switch(request: MemberRequest, slug: str, trigger_id: str) -> HttpResponse:
    """Let one trigger fire, or not."""
    trigger = _trigger(request.organization, slug, trigger_id)
    switch_trigger(trigger, enabled=request.POST.get("enabled") == "on")
    words = _("“%(name)s” is on.") if trigger.enabled else _("“%(name)s” is paused.")
    messages.success(request, words % {"name": trigger.name})
    return redirect("workflow_triggers", trigger.workflow.slug)


@form_of("workflow_triggers", "slug")
@never_cache
@organization_page("workflows.edit")
def reveal(request: MemberRequest, slug: str, trigger_id: str) -> HttpResponse:
    """Show a webhook's signing secret on this one page."""
    require_own_account(request.actor)
    trigger = _webhook(request.organization, slug, trigger_id)
    return _page(request, trigger.workflow, revealed={trigger.public_id: reveal_signing_secret(trigger)})


@form_of("workflow_triggers", "slug")
@never_cache
@organization_page("workflows.edit")
def rotate(request: MemberRequest, slug: str, trigger_id: str) -> HttpResponse:
    """Replace a webhook's signing secret and show the new one on this one page."""
    require_own_account(request.actor)
    trigger = _webhook(request.organization, slug, trigger_id)
    revealed = {trigger.public_id: rotate_signing_secret(trigger)}
    messages.success(request, _("The secret was replaced. The old one no longer works."))
    return _page(request, trigger.workflow, revealed=revealed)


def _page(request: MemberRequest, workflow: Workflow, revealed: dict[str, str] | None = None) -> HttpResponse:
    site_url = current_brand().site_url
    shown = [
        Shown(
            trigger,
            site_url + reverse("hook", args=[trigger.public_id]) if trigger.kind == "webhook" else "",
            (revealed or {}).get(trigger.public_id, ""),
        )
        for trigger in workflow.triggers.order_by("pk")
    ]
    context = {"triggers": shown, "zone": ZoneInfo(request.organization.timezone)}
    return workflow_page(request, "workflows/triggers.html", workflow, "workflow_triggers", context)


def _trigger(organization: Organization, slug: str, trigger_id: str) -> Trigger:
    workflow = selectors.get_workflow(organization, slug)
    trigger = workflow.triggers.filter(pk=Trigger.parse_public_id(trigger_id)).select_related("workflow").first()
    if trigger is None:
        raise NotFoundError
    return trigger


def _webhook(organization: Organization, slug: str, trigger_id: str) -> Trigger:
    trigger = _trigger(organization, slug, trigger_id)
    if trigger.kind != Trigger.Kind.WEBHOOK:
        raise NotFoundError
    return trigger
