"""The one question, asked by everybody."""

import pytest

from apps.accounts.errors import ImpersonationForbiddenError, PermissionDeniedError
from apps.accounts.models import Membership, Role
from apps.accounts.permissions import Actor, can, grantable_roles, require, require_own_account
from apps.core.registry import RegistryError
from tests.common.roles import actor_of, client_of, make_organization

MATRIX = {
    "organization.view": {"owner", "admin", "developer", "billing", "viewer"},
    "organization.manage": {"owner", "admin"},
    "members.view": {"owner", "admin", "developer", "billing", "viewer"},
    "members.manage": {"owner", "admin"},
    "activity.view": {"owner", "admin"},
    "billing.view": {"owner", "admin", "billing"},
    "billing.manage": {"owner", "admin", "billing"},
    "tokens.create": {"owner", "admin", "developer", "billing", "viewer"},
}


@pytest.mark.parametrize("code", MATRIX)
@pytest.mark.parametrize("role", Role.values)
def test_each_role_may_what_it_should(code, role, owner, organization):
    actor = Actor(owner, organization, "session", role)
    assert can(actor, code, organization) is (role in MATRIX[code])


def test_anything_with_an_organization_will_do(owner, organization):
    membership = Membership.objects.for_organization(organization).get()
    assert can(actor_of(owner, organization), "members.manage", membership)


def test_nobody_may_nothing(organization):
    assert not can(None, "organization.view", organization)
    with pytest.raises(PermissionDeniedError):
        require(None, "organization.view", organization)


def test_an_outsider_may_nothing(outsider, organization):
    own = outsider.memberships.get().organization
    assert not can(actor_of(outsider, own), "organization.view", organization)


def test_a_session_carries_the_role_of_the_other_organization(owner, organization):
    other = make_organization(owner, "Second")
    Membership.objects.for_organization(other).update(role=Role.VIEWER)
    actor = actor_of(owner, organization)
    assert can(actor, "members.view", other)
    assert not can(actor, "members.manage", other)


def test_a_token_speaks_for_its_organization_alone(owner, organization):
    other = make_organization(owner, "Second")
    assert not can(actor_of(owner, organization, "token"), "organization.view", other)


def test_an_inactive_person_may_nothing(owner, organization):
    owner.is_active = False
    assert not can(actor_of(owner, organization), "organization.view", organization)


def test_an_undeclared_code_is_a_mistake(owner, organization):
    with pytest.raises(RegistryError):
        can(actor_of(owner, organization), "moon.fly", organization)


@pytest.mark.parametrize(
    "code", ["members.manage", "organization.manage", "tokens.create", "workflows.edit", "secrets.manage"]
)
def test_staff_as_a_customer_change_neither_who_comes_in_nor_what_goes_out(code, owner, organization, staff):
    actor = Actor(owner, organization, "session", "owner", staff)
    assert can(actor, "organization.view", organization)
    assert not can(actor, code, organization)
    with pytest.raises(ImpersonationForbiddenError):
        require(actor, code, organization)


def test_ones_own_account_is_ones_own(owner, organization, staff):
    require_own_account(actor_of(owner, organization))
    with pytest.raises(ImpersonationForbiddenError):
        require_own_account(Actor(owner, organization, "session", "owner", staff))
    with pytest.raises(ImpersonationForbiddenError):
        require_own_account(None)


@pytest.mark.parametrize("role", Role.values)
def test_only_owners_make_owners(role, owner, organization):
    wanted = set(Role.values) - ({"owner"} if role != "owner" else set())
    assert set(grantable_roles(Actor(owner, organization, "session", role))) == wanted


def test_the_page_offers_what_the_rule_allows(owner, teammate, developer, viewer, organization):
    """The others may be changed: by an owner everybody, by an admin all but the owner, by a viewer nobody."""
    changeable = {owner: {teammate, developer, viewer}, teammate: {developer, viewer}, viewer: set()}
    for reader, wanted in changeable.items():
        rows = client_of(reader, organization).get("/settings/members").context["rows"]
        assert {row["member"].user for row in rows if row["may_change"]} == wanted
        assert {row["member"].user for row in rows if row["may_leave"]} == {reader} - {owner}
