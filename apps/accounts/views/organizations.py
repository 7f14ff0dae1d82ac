"""Founding, choosing and changing an organization."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from apps.accounts import selectors
from apps.accounts.forms import NewOrganizationForm, OrganizationForm
from apps.accounts.middleware import remember_organization
from apps.accounts.models import Organization
from apps.accounts.permissions import can, require
from apps.accounts.requests import MemberRequest, PersonRequest
from apps.accounts.services import organizations
from apps.accounts.web import form_of, limit, organization_page, own_account_page
from apps.core.errors import DomainError


@own_account_page
def create(request: PersonRequest) -> HttpResponse:
    """Found a further organization and go there."""
    form = NewOrganizationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        limit(request, "organization_create", "10/h", key="user")
        try:
            organization = organizations.create_organization(request.user, name=form.cleaned_data["name"])
        except DomainError as refusal:
            form.add_error(None, str(refusal.detail))
        else:
            remember_organization(request, organization)
            messages.success(request, _("%(name)s was created.") % {"name": organization.name})
            return redirect("dashboard")
    return render(
        request,
        "accounts/organization_create.html",
        {
            "page_title": _("New organization"),
            "form": form,
            "invitations": list(selectors.invitations_to(request.user)),
        },
        status=422 if form.errors else 200,
    )


@form_of("dashboard")
@own_account_page
def switch(request: PersonRequest) -> HttpResponse:
    """Make another of one's organizations the current one."""
    membership = selectors.membership_named(request.user, request.POST.get("organization", ""))
    remember_organization(request, membership.organization)
    target = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        return redirect(_without_organization(target))
    return redirect("dashboard")


def _without_organization(address: str) -> str:
    """The address of a page that the session now shows by itself."""
    parts = urlsplit(address)
    kept = [(name, value) for name, value in parse_qsl(parts.query, True) if name != "organization"]
    return urlunsplit(parts._replace(query=urlencode(kept)))


@organization_page("organization.view")
def settings_page(request: MemberRequest) -> HttpResponse:
    """Name and time zone; read-only for those who may not change them."""
    organization = request.organization
    may_change = can(request.actor, "organization.manage", organization)
    if request.method == "POST":
        require(request.actor, "organization.manage", organization)
        form = OrganizationForm(request.POST, instance=Organization.objects.get(pk=organization.pk))
        if form.is_valid():
            organizations.change_organization(
                organization, name=form.cleaned_data["name"], timezone=form.cleaned_data["timezone"]
            )
            messages.success(request, _("The settings were saved."))
            return redirect("organization_settings")
    else:
        form = OrganizationForm(instance=organization)
    return render(
        request,
        "accounts/organization_settings.html",
        {"page_title": _("Organization"), "form": form, "may_change": may_change},
        status=422 if form.errors else 200,
    )
