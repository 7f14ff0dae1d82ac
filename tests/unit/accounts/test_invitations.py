"""Invitations: a link by mail, good for one address, once."""

import re
from datetime import timedelta

import pytest
import time_machine

from apps.accounts.errors import (
    AlreadyMemberError,
    InvitationUnusableError,
    PermissionDeniedError,
    WrongRecipientError,
)
from apps.accounts.models import Invitation, Role
from apps.accounts.services import invitations
from apps.core.clock import now
from apps.core.errors import DomainError, LimitExceededError, NotFoundError
from apps.core.models import DomainEvent
from apps.integrations.models import MailMessage
from tests.common.roles import actor_of, make_user


def send(owner, organization, email="new@example.com", role=Role.DEVELOPER):
    """Invite, and take the token out of the mail as the recipient would."""
    invitation = invitations.invite(actor_of(owner, organization), organization, email=email, role=role)
    mail = MailMessage.objects.get(idempotency_key=f"invitation:{invitation.public_id}")
    token = re.search(r"/invitations/([\w-]+)", mail.text).group(1)
    return invitation, token, mail


def test_the_link_lets_its_recipient_in(owner, organization):
    invitation, token, mail = send(owner, organization, "  New@Example.com ")
    assert mail.to == "new@example.com"
    assert organization.name in mail.subject
    assert token not in invitation.token_hash
    user = make_user(email="new@example.com")
    membership = invitations.accept(user, invitations.find(token))
    assert membership.role == Role.DEVELOPER
    assert DomainEvent.objects.get(name="member_joined").payload["user"] == user.public_id
    with pytest.raises(InvitationUnusableError):
        invitations.find(token)
    with pytest.raises(InvitationUnusableError):
        invitations.accept(user, invitation)


def test_for_anybody_else_it_is_closed(owner, organization, outsider):
    _invitation, token, _mail = send(owner, organization)
    with pytest.raises(WrongRecipientError) as refusal:
        invitations.accept(outsider, invitations.find(token))
    assert "new@example.com" not in str(refusal.value.detail)
    assert invitations.is_for(token, "NEW@example.com")
    assert not invitations.is_for(token, outsider.email)
    assert not invitations.is_for("nonsense", outsider.email)


def test_it_expires(owner, organization):
    _invitation, token, _mail = send(owner, organization)
    with time_machine.travel(now() + timedelta(days=7, seconds=1), tick=False), pytest.raises(InvitationUnusableError):
        invitations.find(token)


def test_it_can_be_withdrawn_once(owner, organization):
    invitation, token, _mail = send(owner, organization)
    invitations.revoke(invitation)
    with pytest.raises(InvitationUnusableError):
        invitations.find(token)
    with pytest.raises(InvitationUnusableError):
        invitations.revoke(invitation)


def test_a_second_one_replaces_the_first(owner, organization):
    first, old, _mail = send(owner, organization)
    _second, new, _mail = send(owner, organization)
    with pytest.raises(InvitationUnusableError):
        invitations.find(old)
    assert invitations.find(new).email == first.email
    assert Invitation.objects.for_organization(organization).filter(state=Invitation.State.PENDING).count() == 1


def test_members_are_not_invited(owner, organization, viewer):
    with pytest.raises(AlreadyMemberError):
        send(owner, organization, viewer.email.upper())


def test_joining_twice_is_refused(owner, organization):
    _invitation, token, _mail = send(owner, organization)
    user = make_user(email="new@example.com")
    offer = invitations.find(token)
    organization.memberships.create(user=user, role=Role.VIEWER)
    with pytest.raises(AlreadyMemberError):
        invitations.accept(user, offer)


def test_only_owners_invite_owners(organization, teammate, owner):
    with pytest.raises(PermissionDeniedError):
        send(teammate, organization, role=Role.OWNER)
    send(owner, organization, role=Role.OWNER)


@pytest.mark.parametrize("email", ["nonsense", "", "a@b", "two@example.com, three@example.com"])
def test_a_bad_address_is_refused(owner, organization, email):
    with pytest.raises(DomainError):
        send(owner, organization, email)


def test_there_is_a_daily_limit(owner, organization, monkeypatch):
    monkeypatch.setattr(invitations, "PER_DAY", 2)
    send(owner, organization, "a@example.com")
    send(owner, organization, "b@example.com")
    with pytest.raises(LimitExceededError):
        send(owner, organization, "c@example.com")
    with time_machine.travel(now() + timedelta(days=1, seconds=1), tick=False):
        send(owner, organization, "c@example.com")


def test_a_wrong_token_is_not_found(db):
    with pytest.raises(NotFoundError):
        invitations.find("nonsense")


def test_masked():
    assert invitations.masked("olivia@example.com") == "o•••@example.com"
