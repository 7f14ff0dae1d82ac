"""Members come, change and go; an owner always stays."""

import pytest

from apps.accounts import selectors
from apps.accounts.errors import InvalidTokenError, LastOwnerError, PermissionDeniedError
from apps.accounts.models import Invitation, Role, TokenFamily
from apps.accounts.services import members, tokens
from apps.accounts.services.invitations import invite
from apps.audit.selectors import entries_for
from apps.core.errors import InvalidInputError, LimitExceededError, NotFoundError
from apps.core.models import DomainEvent
from tests.common.roles import actor_of, make_member


def place(user, organization):
    return selectors.membership_in(user, organization.pk)


def test_a_role_changes_and_is_told(owner, organization, viewer):
    members.change_role(actor_of(owner, organization), place(viewer, organization), Role.ADMIN)
    assert place(viewer, organization).role == Role.ADMIN
    event = DomainEvent.objects.get(name="member_role_changed")
    assert event.payload == {
        "organization": organization.public_id,
        "user": viewer.public_id,
        "before": "viewer",
        "after": "admin",
    }
    assert entries_for(organization.pk).filter(code="accounts.member_role_changed").exists()


def test_the_same_role_changes_nothing(owner, organization, viewer):
    members.change_role(actor_of(owner, organization), place(viewer, organization), Role.VIEWER)
    assert not DomainEvent.objects.filter(name="member_role_changed").exists()


def test_the_last_owner_stays_owner(owner, organization):
    with pytest.raises(LastOwnerError):
        members.change_role(actor_of(owner, organization), place(owner, organization), Role.ADMIN)
    with pytest.raises(LastOwnerError):
        members.leave(owner, organization)
    with pytest.raises(LastOwnerError):
        members.remove_member(actor_of(owner, organization), place(owner, organization))


def test_with_a_second_owner_the_first_may_go(owner, organization, teammate):
    members.change_role(actor_of(owner, organization), place(teammate, organization), Role.OWNER)
    members.leave(owner, organization)
    assert place(owner, organization) is None


def test_an_admin_touches_no_owner_and_makes_none(owner, organization, teammate, viewer):
    actor = actor_of(teammate, organization)
    with pytest.raises(PermissionDeniedError):
        members.change_role(actor, place(owner, organization), Role.VIEWER)
    with pytest.raises(PermissionDeniedError):
        members.remove_member(actor, place(owner, organization))
    with pytest.raises(PermissionDeniedError):
        members.change_role(actor, place(viewer, organization), Role.OWNER)


def test_an_unknown_role_is_refused(owner, organization, viewer):
    with pytest.raises(InvalidInputError):
        members.change_role(actor_of(owner, organization), place(viewer, organization), "emperor")


def test_a_removed_member_is_out_at_once(owner, organization, developer):
    pair = tokens.mint(developer, organization, origin=TokenFamily.Origin.SESSION, client_name="ci")
    invitation = invite(actor_of(developer, organization), organization, email="new@example.com", role=Role.VIEWER)
    members.remove_member(actor_of(owner, organization), place(developer, organization))
    with pytest.raises(InvalidTokenError):
        tokens.holder_of(pair.access)
    with pytest.raises(InvalidTokenError):
        tokens.refresh(pair.refresh)
    organization.memberships.create(user=developer, role=Role.DEVELOPER)
    with pytest.raises(InvalidTokenError):  # who comes back logs in anew
        tokens.refresh(pair.refresh)
    invitation.refresh_from_db(from_queryset=Invitation.objects.unscoped())
    assert invitation.state == Invitation.State.REVOKED
    assert DomainEvent.objects.get(name="member_removed").payload["reason"] == "removed"


def test_a_member_gone_meanwhile_is_not_found(owner, organization, viewer):
    membership = place(viewer, organization)
    members.leave(viewer, organization)
    with pytest.raises(NotFoundError):
        members.change_role(actor_of(owner, organization), membership, Role.ADMIN)
    with pytest.raises(NotFoundError):
        members.leave(viewer, organization)


def test_an_organization_gets_full(organization, monkeypatch):
    monkeypatch.setattr(members, "MEMBERS_PER_ORGANIZATION", 1)
    with pytest.raises(LimitExceededError):
        members.check_room_for_members(organization)


def test_members_are_read_in_one_query(organization, owner, django_assert_num_queries):
    for _number in range(5):
        make_member(organization, Role.VIEWER)
    with django_assert_num_queries(1):
        assert len([row.user.email for row in selectors.members_of(organization)]) == 6


def test_addresses_by_role(organization, owner, teammate, viewer):
    assert selectors.member_emails(organization.pk, ("owner", "admin")) == [owner.email, teammate.email]
    teammate.is_active = False
    teammate.save()
    assert selectors.member_emails(organization.pk, ("owner", "admin")) == [owner.email]


def test_who_may_not_invite_any_more_has_no_open_invitations(owner, organization, teammate):
    second = make_member(organization, Role.OWNER)
    invite(actor_of(second, organization), organization, email="boss@example.com", role=Role.OWNER)
    invite(actor_of(second, organization), organization, email="dev@example.com", role=Role.DEVELOPER)
    invite(actor_of(owner, organization), organization, email="other@example.com", role=Role.OWNER)

    def open_ones():
        return {invitation.email for invitation in selectors.open_invitations(organization)}

    members.change_role(actor_of(owner, organization), place(second, organization), Role.ADMIN)
    assert open_ones() == {"dev@example.com", "other@example.com"}
    members.change_role(actor_of(owner, organization), place(second, organization), Role.VIEWER)
    assert open_ones() == {"other@example.com"}
