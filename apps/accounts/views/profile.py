"""A person's own pages: profile and security log."""

from copy import copy

from allauth.usersessions.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.accounts.forms import ProfileForm
from apps.accounts.requests import PersonRequest
from apps.accounts.services.profile import change_profile
from apps.accounts.web import form_of, own_account_page
from apps.audit.selectors import entries_of_user
from apps.core.errors import NotFoundError
from apps.core.pagination import paginate, parse_limit


@own_account_page
def profile(request: PersonRequest) -> HttpResponse:
    """The name that others see."""
    if request.method == "POST":
        form = ProfileForm(request.POST, instance=copy(request.user))
        if form.is_valid():
            change_profile(request.user, name=form.cleaned_data["name"])
            messages.success(request, _("Your profile was saved."))
            return redirect("profile")
    else:
        form = ProfileForm(instance=request.user)
    return render(
        request,
        "accounts/profile.html",
        {"page_title": _("Profile"), "form": form},
        status=422 if form.errors else 200,
    )


@form_of("usersessions_list")
@own_account_page
def end_session(request: PersonRequest, session_id: int) -> HttpResponse:
    """Log one other browser out."""
    session = UserSession.objects.filter(pk=session_id, user=request.user).first()
    if session is None:
        raise NotFoundError(_("There is no such session."))
    get_adapter().end_sessions([session])
    messages.success(request, _("The session was ended."))
    return redirect("usersessions_list")


@require_safe
@own_account_page
def security_log(request: PersonRequest) -> HttpResponse:
    """What was done with the account, newest first."""
    page = paginate(
        entries_of_user(request.user.public_id).filter(code__startswith="accounts."),
        request.GET.get("cursor"),
        parse_limit(request.GET.get("limit")),
    )
    return render(
        request,
        "accounts/security_log.html",
        {
            "page_title": _("Security log"),
            "page_lead": _("What happened to your account: logins, credentials, memberships."),
            "entries": page.rows,
            "next_cursor": page.next_cursor,
        },
    )
