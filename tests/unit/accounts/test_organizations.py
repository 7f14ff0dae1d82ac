"""Organizations come to be and change."""

import pytest

from apps.accounts import selectors
from apps.accounts.models import Organization, Role
from apps.accounts.services import organizations
from apps.accounts.services.signup import complete_signup, default_name
from apps.audit.selectors import entries_for
from apps.core.errors import InvalidInputError, LimitExceededError
from apps.core.models import DomainEvent
from tests.common.roles import make_organization, make_user


def test_its_founder_owns_it(owner, organization):
    assert selectors.membership_in(owner, organization.pk).role == Role.OWNER
    event = DomainEvent.objects.get(name="organization_created")
    assert event.payload["organization"] == organization.public_id
    assert event.realm_id == organization.realm_id


def test_short_names_are_made_and_kept_apart(realm):
    user = make_user()
    first, second, third = (make_organization(user, name) for name in ("Äcme & Söhne", "Äcme & Söhne", "日本"))
    assert first.slug == "acme-sohne"
    assert second.slug.startswith("acme-sohne-")
    assert third.slug == "organization"


@pytest.mark.parametrize("name", ["", "   ", "x" * 121, "bad\x00name", "see https://evil.example", "www.evil.example"])
def test_bad_names_are_refused(realm, name):
    with pytest.raises(InvalidInputError):
        make_organization(make_user(), name)


@pytest.mark.parametrize("name", ["Levqor Ltd.", "A.B. Smith & Co", "Node.js fans"])
def test_names_with_dots_are_fine(realm, name):
    assert make_organization(make_user(), name).name == name


def test_there_is_a_limit(realm, monkeypatch):
    monkeypatch.setattr(organizations, "ORGANIZATIONS_PER_USER", 1)
    user = make_user()
    make_organization(user)
    with pytest.raises(LimitExceededError):
        make_organization(user)


def test_changes_are_recorded_with_what_was_before(organization):
    organizations.change_organization(organization, name=" New  name ", timezone="Europe/London")
    organization.refresh_from_db()
    assert (organization.name, organization.timezone) == ("New name", "Europe/London")
    entry = entries_for(organization.pk).get(code="accounts.organization_changed")
    assert entry.data == {
        "before": {"name": "Acme", "timezone": "UTC"},
        "after": {"name": "New name", "timezone": "Europe/London"},
    }
    organizations.change_organization(organization, name="New name", timezone="Europe/London")
    assert entries_for(organization.pk).filter(code="accounts.organization_changed").count() == 1


def test_a_new_person_gets_an_organization_once(realm):
    user = make_user("Ada Lovelace")
    complete_signup(user)
    complete_signup(user)
    assert [place.organization.name for place in selectors.memberships_of(user)] == ["Ada’s organization"]
    assert DomainEvent.objects.filter(name="user_signed_up").count() == 1


def test_a_person_without_a_name_still_gets_one(realm):
    assert default_name(make_user("", email="grace@example.com")) == "grace"


def test_sandbox_twins_are_nothing_to_switch_to(owner, organization):
    other = make_organization(owner, "Sandbox")
    Organization.objects.filter(pk=other.pk).update(livemode=False)
    assert selectors.organizations_of_user(owner) == [organization]
