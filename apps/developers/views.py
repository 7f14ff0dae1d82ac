"""Pages for those who build on the platform."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.accounts.models import ApiKey
from apps.accounts.permissions import require_own_account
from apps.accounts.requests import MemberRequest
from apps.accounts.services import api_keys
from apps.accounts.services.api_keys import IssuedKey
from apps.accounts.web import form_of, organization_page
from apps.core.brand import current_brand
from apps.core.errors import DomainError
from apps.core.pagination import paginate
from apps.developers import selectors
from apps.developers.forms import KeyForm, RotateForm
from apps.developers.standing import StandingInWords
from apps.developers.views_usage import charts_of, standing_of, tabs
from apps.usage.selectors import standing
from apps.usage.statistics import recent_calls

PAGE = 20
LIVE = ApiKey.Environment.LIVE
FIELD_OF = {
    "unknown_scope": "scopes",
    "no_scope": "scopes",
    "invalid_network": "networks",
    "too_many_networks": "networks",
    "invalid_expiry": "expires_at",
}


@require_safe
@organization_page("keys.view")
def developer(request: MemberRequest) -> HttpResponse:
    """Where building on the platform begins, and how many calls are left."""
    sandbox = selectors.find_sandbox(request.organization)
    context = {
        "page_title": _("Build with %(brand)s") % {"brand": current_brand().name},
        "page_lead": _("Start and watch workflows from your own programs."),
        "tabs": tabs("developer"),
        "now": standing_of(request),
        "sandbox": StandingInWords(standing(sandbox)) if sandbox else None,
        "active": _active(request).get(LIVE),
        "api_url": _api_url(),
        "try_it": _first_call("lvq_live_…"),
    }
    return render(request, "developers/developer.html", context)


@require_safe
@never_cache
@organization_page("keys.view")
def keys(request: MemberRequest) -> HttpResponse:
    """The organization's keys, what is left of the quota, and what the keys were used for."""
    return _page(request)


@never_cache
@form_of("api_keys")
@organization_page("keys.manage")
def key_create(request: MemberRequest) -> HttpResponse:
    """Make the organization's key and show it this once."""
    require_own_account(request.actor)
    form = KeyForm(request.POST)
    if not form.is_valid():
        return _page(request, form=form)
    environment = form.cleaned_data["environment"]
    return _issue(
        request, form, lambda: api_keys.create_key(request.actor, request.organization, environment, form.terms())
    )


@never_cache
@form_of("api_keys")
@organization_page("keys.manage")
def key_rotate(request: MemberRequest, key_id: str) -> HttpResponse:
    """Replace a key by a new one and show it this once."""
    require_own_account(request.actor)
    key = selectors.get_key(request.organization, key_id)
    form = RotateForm(request.POST)
    if not form.is_valid():
        return _page(request, rotate_form=form, rotated=key)
    return _issue(request, form, lambda: api_keys.rotate_key(request.actor, key, form.length()), rotated=key)


@never_cache
@form_of("api_keys")
@organization_page("keys.manage")
def key_replace(request: MemberRequest, key_id: str) -> HttpResponse:
    """Make a key in place of one that leaked, and show it this once."""
    require_own_account(request.actor)
    key = selectors.get_key(request.organization, key_id)
    try:
        issued = api_keys.replace_leaked(request.actor, key)
    except DomainError as refusal:
        messages.error(request, str(refusal.detail))
        return redirect("api_keys")
    return _page(request, issued=issued)


@organization_page("keys.manage")
def key_edit(request: MemberRequest, key_id: str) -> HttpResponse:
    """Change what a key may do, from where and until when."""
    require_own_account(request.actor)
    key = selectors.get_key(request.organization, key_id)
    form = KeyForm(request.POST or None, key=key)
    if request.method == "POST" and form.is_valid():
        try:
            api_keys.change_key(request.actor.user, key, form.terms())
        except DomainError as refusal:
            form.add_error(FIELD_OF.get(refusal.code), str(refusal.detail))
        else:
            messages.success(request, _("“%(name)s” was changed.") % {"name": form.cleaned_data["name"]})
            return redirect("api_keys")
    context = {
        "page_title": _("Change “%(name)s”") % {"name": key.name},
        "breadcrumbs": [{"label": _("API keys"), "url": reverse("api_keys")}, {"label": key.shown}],
        "form": form,
        "key": key,
    }
    return render(request, "developers/key_edit.html", context, status=422 if form.errors else 200)


@form_of("api_keys")
@organization_page("keys.manage")
def key_revoke(request: MemberRequest, key_id: str) -> HttpResponse:
    """Refuse a key from the next call on."""
    key = selectors.get_key(request.organization, key_id)
    api_keys.revoke_key(key)
    messages.success(request, _("“%(name)s” was revoked.") % {"name": key.name})
    return redirect("api_keys")


def _issue(
    request: MemberRequest, form: KeyForm | RotateForm, make: Callable[[], IssuedKey], rotated: ApiKey | None = None
) -> HttpResponse:
    try:
        issued = make()
    except DomainError as refusal:
        field = FIELD_OF.get(refusal.code) if isinstance(form, KeyForm) else None
        form.add_error(field, str(refusal.detail))
        if isinstance(form, KeyForm):
            return _page(request, form=form)
        return _page(request, rotate_form=form, rotated=rotated)
    return _page(request, issued=issued)


def _api_url() -> str:
    return f"{current_brand().site_url}/api/v1"


def _first_call(secret: str) -> str:
    url = f"{current_brand().site_url}/api/sandbox/v1" if secret.startswith("lvq_test_") else _api_url()
    return f'curl -H "X-API-Key: {secret}" {url}/me'


def _active(request: MemberRequest) -> dict[str, ApiKey]:
    """The active key of each environment that has one."""
    active = selectors.keys_of(request.organization).filter(state=ApiKey.State.ACTIVE)
    return {key.environment: key for key in active if key.is_live}


def _page(
    request: MemberRequest,
    *,
    form: KeyForm | None = None,
    rotate_form: RotateForm | None = None,
    rotated: ApiKey | None = None,
    issued: IssuedKey | None = None,
) -> HttpResponse:
    active = _active(request)
    offered = [environment for environment in ApiKey.Environment if environment not in active]
    page = paginate(selectors.keys_of(request.organization), request.GET.get("cursor"), PAGE)
    calls = recent_calls(request.organization)
    calls_of = dict(calls.by("key_id"))
    refused = bool((form and form.errors) or (rotate_form and rotate_form.errors))
    context = {
        "page_title": _("API keys"),
        "page_lead": _("A key acts for %(name)s, as far as its scopes and its maker's role go.")
        % {"name": request.organization.name},
        "tabs": tabs("api_keys"),
        "now": standing_of(request),
        "charts": charts_of(request, calls),
        "days": len(calls.days),
        "keys": [(key, calls_of.get(key.pk, 0)) for key in page.rows],
        "next_cursor": page.next_cursor,
        "offered": offered,
        "issued": issued,
        "form": form or KeyForm(environments=offered),
        "rotations": [
            (key, (rotate_form if key == rotated else None) or RotateForm(auto_id=f"id_{key.environment}_%s"))
            for key in active.values()
        ],
        "open_create": form is not None,
        "open_rotate": rotated,
        "may_manage": request.may("keys.manage"),
        "try_it": _first_call(issued.secret) if issued else "",
    }
    return render(request, "developers/keys.html", context, status=422 if refused else 200)
