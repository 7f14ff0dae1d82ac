"""Staff begin and end to act as a customer."""

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from apps.accounts import selectors
from apps.accounts.forms import ImpersonationForm
from apps.accounts.models import Organization, User
from apps.accounts.requests import PersonRequest
from apps.accounts.services import impersonation
from apps.accounts.web import form_of, signed_in_page
from apps.core.errors import DomainError, NotFoundError


@signed_in_page
def start(request: PersonRequest, user_id: str) -> HttpResponse:
    """Ask for organization, reason and time, then begin. Not there for people without the staff right."""
    staff_user = request.user
    if request.impersonation is not None or not (staff_user.is_staff and staff_user.has_perm(impersonation.PERMISSION)):
        raise NotFoundError(_("There is nothing at this address."))
    customer = User.objects.filter(pk=User.parse_public_id(user_id)).first()
    if customer is None:
        raise NotFoundError(_("There is no such person."))
    form = ImpersonationForm(request.POST or None, organizations=selectors.organizations_of_user(customer))
    if request.method == "POST" and form.is_valid():
        organization = Organization.objects.get(pk=Organization.parse_public_id(form.cleaned_data["organization"]))
        try:
            running = impersonation.start_impersonation(
                staff_user,
                customer,
                organization,
                reason=form.cleaned_data["reason"],
                minutes=form.cleaned_data["minutes"],
            )
        except DomainError as refusal:
            form.add_error(None, str(refusal.detail))
        else:
            request.session[impersonation.IMPERSONATION_KEY] = str(running.pk)
            return redirect("dashboard")
    return render(
        request,
        "accounts/impersonation_start.html",
        {"page_title": _("Act as %(name)s") % {"name": customer.get_full_name()}, "customer": customer, "form": form},
        status=422 if form.errors else 200,
    )


@form_of("dashboard")
@signed_in_page
def stop(request: PersonRequest) -> HttpResponse:
    """Become oneself again."""
    key = request.session.pop(impersonation.IMPERSONATION_KEY, None)
    running = selectors.running_impersonation(uuid.UUID(key)) if key else None
    if running is not None:
        impersonation.end_impersonation(running)
        messages.success(request, _("You are yourself again."))
        return redirect("admin:index")
    return redirect("dashboard")
