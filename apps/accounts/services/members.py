"""Who belongs to an organization, and as what. An organization always keeps an owner."""

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.errors import LastOwnerError, PermissionDeniedError
from apps.accounts.models import Invitation, Membership, Organization, Role, User
from apps.accounts.permissions import Actor, grantable_roles
from apps.accounts.selectors import count_members
from apps.accounts.services import api_keys, tokens, version_names
from apps.audit.services import record
from apps.core import entitlements, versions
from apps.core.clock import now
from apps.core.errors import InvalidInputError, LimitExceededError, NotFoundError, PlanLimitError
from apps.core.events import emit

MEMBERS_PER_ORGANIZATION = 500
MEMBERS = "organization.members"
FREE_MEMBERS = 5


def check_role_is_grantable(actor: Actor, role: str) -> None:
    """Only owners make owners. Raises `InvalidInputError` for an unknown role, `PermissionDeniedError`."""
    if role not in Role.values:
        raise InvalidInputError(_("There is no such role."))
    if role not in grantable_roles(actor):
        raise PermissionDeniedError(_("Only an owner can make somebody an owner."))


def check_room_for_members(organization: Organization) -> None:
    """Raises `LimitExceededError` where the organization is full, `PlanLimitError` where its plan has no more seats."""
    count = count_members(organization.pk)
    if count >= MEMBERS_PER_ORGANIZATION:
        raise LimitExceededError(
            _("An organization has at most %(most)s members.") % {"most": MEMBERS_PER_ORGANIZATION}
        )
    if count >= (seats := entitlements.most(organization.pk, MEMBERS)):
        raise PlanLimitError(
            _("Your plan has %(seats)s seats, and all are taken. Add seats first.") % {"seats": seats}, feature=MEMBERS
        )


def change_role(actor: Actor, membership: Membership, role: str) -> None:
    """Give a member another role.

    Raises `LastOwnerError` for the only owner, `PermissionDeniedError` where an owner is touched by somebody else.
    """
    check_role_is_grantable(actor, role)
    with transaction.atomic():
        current = _locked(membership)
        if current.role == role:
            return
        _check_owner_is_touched_by_owners(actor, current)
        if current.role == Role.OWNER:
            _check_another_owner(current)
        before, current.role = current.role, role
        current.save(update_fields=["role"])
        membership.role = role
        if role not in (Role.OWNER, Role.ADMIN):
            _withdraw_invitations(current)
        elif role != Role.OWNER:
            _withdraw_invitations(current, role=Role.OWNER)
        emit(
            "member_role_changed",
            {**_names(current), "before": before, "after": role},
            organization_id=current.organization_id,
            realm_id=current.organization.realm_id,
        )
        record(
            "accounts.member_role_changed",
            target=current.user,
            data={"email": current.user.email, "before": before, "after": role},
            organization_id=current.organization_id,
        )


def remove_member(actor: Actor, membership: Membership) -> None:
    """Take a member out; their tokens for the organization die with it. Raises as `change_role`."""
    with transaction.atomic():
        current = _locked(membership)
        _check_owner_is_touched_by_owners(actor, current)
        _remove(current, "accounts.member_removed", reason="removed")


def leave(user: User, organization: Organization) -> None:
    """Leave an organization. Raises `LastOwnerError` for its only owner, `NotFoundError` for a stranger."""
    with transaction.atomic():
        membership = Membership.objects.for_organization(organization).filter(user=user).first()
        if membership is None:
            raise NotFoundError(_("You do not belong to this organization."))
        _remove(_locked(membership), "accounts.member_left", reason="left")


def _remove(current: Membership, code: str, *, reason: str) -> None:
    if current.role == Role.OWNER:
        _check_another_owner(current)
    user, organization = current.user, current.organization
    tokens.revoke_all(user, reason="membership_ended", organization=organization)
    api_keys.revoke_keys_of(user, reason="membership_ended", organization=organization)
    _withdraw_invitations(current)
    payload = {**_names(current), "reason": reason}
    current.delete()
    emit("member_removed", payload, organization_id=organization.pk, realm_id=organization.realm_id)
    record(code, target=user, data={"email": user.email}, organization_id=organization.pk)


def _withdraw_invitations(membership: Membership, **which: str) -> None:
    """What somebody may not offer any more is offered no more."""
    Invitation.objects.for_organization(membership.organization_id).filter(
        invited_by=membership.user, state=Invitation.State.PENDING, **which
    ).update(state=Invitation.State.REVOKED, decided_at=now())


def _locked(membership: Membership) -> Membership:
    """The row as it is now, with the organization locked: changes of roles in one organization follow one another."""
    Organization.objects.select_for_update(of=("self",), no_key=True).get(pk=membership.organization_id)
    versions.changed(version_names.of_user(membership.user_id))
    current = (
        Membership.objects.for_organization(membership.organization_id)
        .select_related("user", "organization")
        .filter(pk=membership.pk)
        .first()
    )
    if current is None:
        raise NotFoundError(_("This person does not belong to the organization any more."))
    return current


def _check_owner_is_touched_by_owners(actor: Actor, membership: Membership) -> None:
    if membership.role not in grantable_roles(actor):
        raise PermissionDeniedError(_("Only an owner can change or remove an owner."))


def _check_another_owner(membership: Membership) -> None:
    owners = Membership.objects.for_organization(membership.organization_id).filter(role=Role.OWNER)
    if not owners.exclude(pk=membership.pk).exists():
        raise LastOwnerError(_("An organization needs an owner. Make somebody else an owner first."))


def _names(membership: Membership) -> dict[str, str]:
    return {"organization": membership.organization.public_id, "user": membership.user.public_id}
