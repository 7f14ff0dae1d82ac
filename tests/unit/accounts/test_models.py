"""What the database itself refuses."""

import pytest
from django.db import IntegrityError, transaction

from apps.accounts.models import Membership, Organization, Realm, Role, User
from apps.core.scope import UnscopedQueryError
from tests.common.roles import make_user


def test_an_address_is_taken_in_any_case(db):
    make_user(email="ada@example.com")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.bulk_create([User(email="ADA@example.com", name="Other")])


def test_addresses_are_stored_in_lower_case(db):
    user = User.objects.create_user("  Ada@Example.COM ", "x")
    assert user.email == "ada@example.com"
    assert User.objects.get_by_natural_key("ADA@EXAMPLE.com") == user


def test_a_user_needs_an_address():
    with pytest.raises(ValueError, match="address"):
        User.objects.create_user("")


def test_one_default_realm(realm):
    with pytest.raises(IntegrityError), transaction.atomic():
        Realm.objects.create(slug="two", name="Two", is_default=True)


def test_one_membership_each(organization, owner):
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.create(organization=organization, user=owner, role=Role.VIEWER)


def test_roles_are_known(organization):
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.create(organization=organization, user=make_user(), role="emperor")


def test_slugs_are_unique_in_a_realm(organization):
    with pytest.raises(IntegrityError), transaction.atomic():
        Organization.objects.create(realm=organization.realm, name="Same", slug=organization.slug)
    other = Realm.objects.create(slug="other", name="Other")
    Organization.objects.create(realm=other, name="Same", slug=organization.slug)


def test_memberships_need_an_organization_or_a_word(organization):
    with pytest.raises(UnscopedQueryError):
        Membership.objects.all()
    assert Membership.objects.for_organization(organization).count() == 1
    assert Membership.objects.unscoped().count() == 1


def test_names(owner):
    assert str(owner) == owner.email
    assert owner.get_short_name() == "Olivia"
    assert User(email="x@example.com").get_full_name() == "x@example.com"
