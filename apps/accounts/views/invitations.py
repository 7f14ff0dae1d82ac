"""The page behind the link in an invitation."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from apps.accounts import selectors
from apps.accounts.middleware import INVITATION_KEY, remember_organization
from apps.accounts.models import Invitation, User
from apps.accounts.permissions import require_own_account
from apps.accounts.requests import ActorRequest, PersonRequest
from apps.accounts.services import invitations
from apps.accounts.web import form_of, limit, own_account_page
from apps.core.errors import DomainError, NotFoundError


def invitation(request: ActorRequest, token: str) -> HttpResponse:
    """Show who invites and to what; accept by POST. A visitor is taken through sign-up or login first."""
    limit(request, "invitation", "60/h", key="user_or_ip")
    try:
        offer = invitations.find(token)
    except DomainError as refusal:
        request.session.pop(INVITATION_KEY, None)
        return render(
            request,
            "accounts/invitation.html",
            {"page_title": _("Invitation"), "refusal": refusal},
            status=refusal.status,
        )
    user = request.user
    if not user.is_authenticated:
        request.session[INVITATION_KEY] = token
        return _show(request, offer, token)
    request.session.pop(INVITATION_KEY, None)
    require_own_account(request.actor)
    if request.method != "POST":
        return _show(request, offer, token)
    return _join(request, user, offer)


@form_of("organization_create")
@own_account_page
def accept_own(request: PersonRequest, invitation_id: str) -> HttpResponse:
    """Accept an invitation to one's own address from the list, without its link."""
    offer = selectors.invitations_to(request.user).filter(pk=Invitation.parse_public_id(invitation_id)).first()
    if offer is None:
        raise NotFoundError(_("There is no such invitation."))
    return _join(request, request.user, offer)


def _join(request: ActorRequest, user: User, offer: Invitation) -> HttpResponse:
    membership = invitations.accept(user, offer)
    remember_organization(request, membership.organization)
    messages.success(request, _("Welcome to %(name)s.") % {"name": offer.organization.name})
    return redirect("dashboard")


def _show(request: ActorRequest, offer: Invitation, token: str) -> HttpResponse:
    user = request.user
    return render(
        request,
        "accounts/invitation.html",
        {
            "page_title": _("Join %(name)s") % {"name": offer.organization.name},
            "offer": offer,
            "token": token,
            "masked": invitations.masked(offer.email),
            "is_mine": user.is_authenticated and user.email.lower() == offer.email,
        },
    )
