"""Where a person lets a terminal in."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from apps.accounts import selectors
from apps.accounts.forms import UserCodeForm
from apps.accounts.models import DeviceAuthorization, Organization
from apps.accounts.requests import PersonRequest
from apps.accounts.services import device as service
from apps.accounts.web import limit, own_account_page
from apps.core.errors import DomainError, NotFoundError


@never_cache
@own_account_page
def device(request: PersonRequest) -> HttpResponse:
    """Three steps at one address: type the code, see who asks, decide for one organization."""
    code = request.POST.get("user_code") or request.GET.get("user_code") or ""
    if not code:
        return _ask(request, UserCodeForm())
    limit(request, "device_code", "10/5m", key="user")
    form = UserCodeForm({"user_code": code})
    if not form.is_valid():
        return _ask(request, form, status=422)
    try:
        asking = service.find_open(form.cleaned_data["user_code"])
        if request.method == "POST" and (decision := request.POST.get("decision")):
            return _decide(request, asking, decision)
    except NotFoundError:
        raise
    except DomainError as refusal:
        form.add_error("user_code", str(refusal.detail))
        return _ask(request, form, status=422)
    return render(
        request,
        "accounts/device_confirm.html",
        {
            "page_title": _("Let this terminal in?"),
            "asking": asking,
            "user_code": code,
            "shown_code": service.shown(code),
            "organizations": selectors.organizations_of_user(request.user),
        },
    )


def _decide(request: PersonRequest, asking: DeviceAuthorization, decision: str) -> HttpResponse:
    if decision != "approve":
        service.deny(request.user, asking)
        messages.info(request, _("The terminal was turned away."))
        return redirect("tokens")
    wanted = Organization.parse_public_id(request.POST.get("organization", ""))
    membership = selectors.membership_in(request.user, wanted)
    if membership is None:
        raise NotFoundError(_("No such organization."))
    service.approve(request.user, asking, membership.organization)
    return render(
        request,
        "accounts/device_done.html",
        {"page_title": _("The terminal is in"), "asking": asking, "organization": membership.organization},
    )


def _ask(request: PersonRequest, form: UserCodeForm, status: int = 200) -> HttpResponse:
    return render(
        request,
        "accounts/device_code.html",
        {"page_title": _("Connect a terminal"), "form": form},
        status=status,
    )
