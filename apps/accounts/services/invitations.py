"""Invitations by mail: the link carries the token, the database only its hash."""

import hashlib
import secrets
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.errors import AlreadyMemberError, InvitationUnusableError, WrongRecipientError
from apps.accounts.models import Invitation, Membership, Organization, User
from apps.accounts.permissions import Actor
from apps.accounts.services.members import check_role_is_grantable, check_room_for_members
from apps.audit.services import record
from apps.core.brand import current_brand
from apps.core.clock import now
from apps.core.errors import InvalidInputError, LimitExceededError, NotFoundError
from apps.core.events import emit
from apps.integrations.mail.services import queue_mail

LIFETIME = timedelta(days=7)
PER_DAY = 50


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def invite(actor: Actor, organization: Organization, *, email: str, role: str) -> Invitation:
    """Offer membership to an address and mail the link. An older open offer to it is replaced.

    Raises `AlreadyMemberError`, `InvalidInputError` (address, role), `PermissionDeniedError` (a role above one's own),
    `LimitExceededError` (50 invitations a day, or the organization is full).
    """
    email = _checked_address(email)
    check_role_is_grantable(actor, role)
    token = secrets.token_urlsafe(32)
    moment = now()
    with transaction.atomic():
        Organization.objects.select_for_update(of=("self",), no_key=True).get(pk=organization.pk)
        if Membership.objects.for_organization(organization).filter(user__email=email).exists():
            raise AlreadyMemberError(_("%(email)s already belongs to this organization.") % {"email": email})
        check_room_for_members(organization)
        sent = Invitation.objects.for_organization(organization).filter(created_at__gt=moment - timedelta(days=1))
        if sent.count() >= PER_DAY:
            raise LimitExceededError(_("An organization can send %(most)s invitations a day.") % {"most": PER_DAY})
        Invitation.objects.for_organization(organization).filter(email=email, state=Invitation.State.PENDING).update(
            state=Invitation.State.REVOKED, decided_at=moment
        )
        invitation = Invitation.objects.create(
            organization=organization,
            email=email,
            role=role,
            token_hash=_hash(token),
            invited_by=actor.user,
            created_at=moment,
            expires_at=moment + LIFETIME,
        )
        queue_mail(
            "accounts/invitation",
            email,
            {
                "inviter": actor.user.get_full_name(),
                "organization": organization.name,
                "role": invitation.get_role_display(),
                "days": LIFETIME.days,
                "url": current_brand().site_url + reverse("invitation", args=[token]),
            },
            idempotency_key=f"invitation:{invitation.public_id}",
            organization_id=organization.pk,
            realm_id=organization.realm_id,
        )
        record(
            "accounts.member_invited",
            target=organization,
            data={"email": email, "role": role},
            organization_id=organization.pk,
        )
    return invitation


def _checked_address(email: str) -> str:
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise InvalidInputError(_("That is no e-mail address."), code="invalid_email") from error
    return email


def find(token: str) -> Invitation:
    """The invitation behind a link. Raises `NotFoundError` (wrong token), `InvitationUnusableError` (a stale one)."""
    invitation = (
        Invitation.objects.unscoped()
        .select_related("organization", "invited_by")
        .filter(token_hash=_hash(token))
        .first()
    )
    if invitation is None:
        raise NotFoundError(_("There is no such invitation."))
    if invitation.state == Invitation.State.ACCEPTED:
        raise InvitationUnusableError(_("It was accepted already."))
    if not invitation.is_open:
        raise InvitationUnusableError(_("It was withdrawn or has expired. Ask for a new one."))
    return invitation


def is_for(token: str, email: str) -> bool:
    """Whether an open invitation with this token went to this address."""
    try:
        return find(token).email == email.lower()
    except (NotFoundError, InvitationUnusableError):
        return False


def accept(user: User, invitation: Invitation) -> Membership:
    """Join. Raises `WrongRecipientError` unless the invitation went to the person's own (confirmed) address,
    `InvitationUnusableError`, `AlreadyMemberError`.
    """
    with transaction.atomic():
        organization = Organization.objects.select_for_update(of=("self",), no_key=True).get(
            pk=invitation.organization_id
        )
        invitation = Invitation.objects.for_organization(organization).get(pk=invitation.pk)
        if not invitation.is_open:
            raise InvitationUnusableError(_("It was withdrawn, used or has expired. Ask for a new one."))
        if invitation.email != user.email.lower():
            raise WrongRecipientError(
                _("It was sent to %(email)s. Log in with that address to accept it.")
                % {"email": masked(invitation.email)}
            )
        if Membership.objects.for_organization(organization).filter(user=user).exists():
            raise AlreadyMemberError(_("You already belong to this organization."))
        check_room_for_members(organization)
        membership = Membership.objects.create(organization=organization, user=user, role=invitation.role)
        invitation.state, invitation.accepted_by, invitation.decided_at = Invitation.State.ACCEPTED, user, now()
        invitation.save(update_fields=["state", "accepted_by", "decided_at"])
        emit(
            "member_joined",
            {"organization": organization.public_id, "user": user.public_id, "role": membership.role},
            organization_id=organization.pk,
            realm_id=organization.realm_id,
        )
        record(
            "accounts.member_joined",
            actor=user,
            target=user,
            data={"email": user.email, "role": membership.role},
            organization_id=organization.pk,
        )
    return membership


def revoke(invitation: Invitation) -> None:
    """Withdraw an open invitation. Raises `InvitationUnusableError` for one that was answered."""
    with transaction.atomic():
        withdrawn = (
            Invitation.objects.for_organization(invitation.organization_id)
            .filter(pk=invitation.pk, state=Invitation.State.PENDING)
            .update(state=Invitation.State.REVOKED, decided_at=now())
        )
        if not withdrawn:
            raise InvitationUnusableError(_("It was answered or withdrawn already."))
        record(
            "accounts.invitation_revoked",
            target=invitation.organization,
            data={"email": invitation.email},
            organization_id=invitation.organization_id,
        )


def masked(email: str) -> str:
    """An address that its owner recognises and a stranger cannot use: `o•••@example.com`."""
    local, _at, domain = email.partition("@")
    return f"{local[:1]}•••@{domain}"
