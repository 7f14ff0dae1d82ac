"""The members of the current organization and the invitations to it."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.accounts import selectors
from apps.accounts.forms import InvitationForm, RoleForm, set_choices
from apps.accounts.models import Invitation, Membership, Role
from apps.accounts.permissions import can, grantable_roles, require_own_account
from apps.accounts.requests import MemberRequest
from apps.accounts.services import invitations
from apps.accounts.services import members as service
from apps.accounts.web import form_of, limit, organization_page
from apps.core.errors import DomainError, NotFoundError
from apps.core.form_refusals import add_refusal


def _row(request: MemberRequest, member: Membership, grantable: list[Role], owners: int) -> dict[str, Any]:
    """A member, and what the reader may do to them."""
    is_self = member.user_id == request.user.pk
    return {
        "member": member,
        "is_self": is_self,
        "may_change": not is_self and member.role in grantable,
        "may_leave": is_self and (member.role != Role.OWNER or owners > 1),
    }


def _page(request: MemberRequest, form: InvitationForm, status: int = 200) -> HttpResponse:
    organization = request.organization
    members = list(selectors.members_of(organization))
    may_manage = can(request.actor, "members.manage", organization)
    owners = sum(member.role == Role.OWNER for member in members)
    grantable = grantable_roles(request.actor) if may_manage else []
    roles = [(role.value, str(role.label)) for role in grantable]
    set_choices(form, "role", roles)
    return render(
        request,
        "accounts/members.html",
        {
            "page_title": _("Members"),
            "page_lead": _("Who belongs to %(name)s, and what they may do.") % {"name": organization.name},
            "rows": [_row(request, member, grantable, owners) for member in members],
            "invitations": list(selectors.open_invitations(organization)) if may_manage else [],
            "may_manage": may_manage,
            "roles": roles,
            "form": form,
        },
        status=status,
    )


@require_safe
@organization_page("members.view")
def members(request: MemberRequest) -> HttpResponse:
    """Everybody, and who was invited."""
    return _page(request, InvitationForm())


@form_of("members")
@organization_page("members.manage")
def invite(request: MemberRequest) -> HttpResponse:
    """Mail an invitation."""
    limit(request, "member_invite", "60/h", key="user")
    form = InvitationForm(request.POST)
    if form.is_valid():
        try:
            invitation = invitations.invite(request.actor, request.organization, **form.cleaned_data)
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("An invitation is on its way to %(email)s.") % {"email": invitation.email})
            return redirect("members")
    return _page(request, form, status=422)


def _member(request: MemberRequest, membership_id: str) -> Membership:
    return selectors.member_of(request.organization, Membership.parse_public_id(membership_id))


@form_of("members")
@organization_page("members.manage")
def change_role(request: MemberRequest, membership_id: str) -> HttpResponse:
    """Give a member another role."""
    membership = _member(request, membership_id)
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("There is no such role."))
        return redirect("members")
    return _told(
        request,
        lambda: service.change_role(request.actor, membership, form.cleaned_data["role"]),
        _("%(name)s is now %(role)s.")
        % {"name": membership.user.get_full_name(), "role": Role(form.cleaned_data["role"]).label},
    )


@form_of("members")
@organization_page("members.manage")
def remove(request: MemberRequest, membership_id: str) -> HttpResponse:
    """Take a member out."""
    membership = _member(request, membership_id)
    return _told(
        request,
        lambda: service.remove_member(request.actor, membership),
        _("%(name)s was removed.") % {"name": membership.user.get_full_name()},
    )


@form_of("members")
@organization_page("members.view")
def leave(request: MemberRequest) -> HttpResponse:
    """Leave the organization oneself."""
    require_own_account(request.actor)
    name = request.organization.name
    return _told(
        request,
        lambda: service.leave(request.user, request.organization),
        _("You left %(name)s.") % {"name": name},
        then="dashboard",
    )


def _invitation(request: MemberRequest, invitation_id: str) -> Invitation:
    found = (
        Invitation.objects.for_organization(request.organization)
        .select_related("organization")
        .filter(pk=Invitation.parse_public_id(invitation_id))
        .first()
    )
    if found is None:
        raise NotFoundError(_("There is no such invitation."))
    return found


@form_of("members")
@organization_page("members.manage")
def revoke_invitation(request: MemberRequest, invitation_id: str) -> HttpResponse:
    """Withdraw an invitation."""
    invitation = _invitation(request, invitation_id)
    return _told(request, lambda: invitations.revoke(invitation), _("The invitation was withdrawn."))


@form_of("members")
@organization_page("members.manage")
def resend_invitation(request: MemberRequest, invitation_id: str) -> HttpResponse:
    """Mail a fresh link; the old one stops working."""
    limit(request, "member_invite", "60/h", key="user")
    old = _invitation(request, invitation_id)
    return _told(
        request,
        lambda: invitations.invite(request.actor, request.organization, email=old.email, role=old.role),
        _("A new invitation is on its way to %(email)s.") % {"email": old.email},
    )


def _told(request: MemberRequest, act: Any, done: str, then: str = "members") -> HttpResponse:
    """Do it and say so, or say why not."""
    try:
        act()
    except DomainError as refusal:
        messages.error(request, str(refusal.detail))
    else:
        messages.success(request, done)
        return redirect(then)
    return redirect("members")
