"""The people of every test: owner, teammate, outsider, staff … and clients that are logged in as them.

`tests/conftest.py` loads this module as a plugin, so that each test may name a fixture. The factories work outside of
fixtures too.
"""

import itertools
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from rest_framework.test import APIClient

from apps.accounts import selectors
from apps.accounts.models import Membership, Organization, Realm, Role, TokenFamily, User
from apps.accounts.permissions import Actor
from apps.accounts.services import tokens
from apps.accounts.services.organizations import create_organization

PASSWORD = "correct-horse-battery"
_numbers = itertools.count(1)


def make_user(name: str = "Somebody", *, email: str = "", verified: bool = True, **fields: Any) -> User:
    """A person with a confirmed address and the password `PASSWORD`."""
    email = email or f"{name.lower().replace(' ', '.')}{next(_numbers)}@example.com"
    user = User.objects.create_user(email, PASSWORD, name=name, **fields)
    EmailAddress.objects.create(user=user, email=user.email, verified=verified, primary=True)
    return user


def make_organization(user: User, name: str = "Acme", **fields: Any) -> Organization:
    """An organization that `user` owns."""
    return create_organization(user, name=name, **fields)


def make_member(organization: Organization, role: str, name: str = "", **fields: Any) -> User:
    """A new person with this role in the organization."""
    user = make_user(name or role.capitalize(), **fields)
    Membership.objects.create(organization=organization, user=user, role=role)
    return user


def actor_of(user: User, organization: Organization, via: Any = "session") -> Actor:
    """What the middleware would make of this person."""
    membership = selectors.membership_in(user, organization.pk)
    return Actor(user, organization, via, membership.role if membership else "")


def client_of(user: User, organization: Organization | None = None, **options: Any) -> Client:
    """A browser in which `user` is logged in (in `organization`, where it matters)."""
    client = Client(**options)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    if organization is not None:
        session = client.session
        session["organization_id"] = str(organization.pk)
        session.save()
    return client


class JsonClient(APIClient):
    """A program that speaks JSON."""

    default_format = "json"


def api_client_of(user: User, organization: Organization | None = None) -> JsonClient:
    """A program with a bearer token of `user` for `organization` (the one joined first)."""
    membership = selectors.first_membership(user)
    target = organization or (membership.organization if membership else None)
    if target is None:
        raise ValueError(f"{user} belongs to no organization")
    pair = tokens.mint(user, target, origin=TokenFamily.Origin.SESSION, client_name="tests")
    client = JsonClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.access}")
    return client


@pytest.fixture
def realm(db: None) -> Realm:
    """Levqor's own realm."""
    return selectors.default_realm()


@pytest.fixture
def owner(realm: Realm) -> User:
    """Owns `organization`."""
    return make_user("Olivia Owner")


@pytest.fixture
def organization(owner: User) -> Organization:
    """The organization of owner, teammate, developer, billing and viewer."""
    return make_organization(owner, "Acme")


@pytest.fixture
def teammate(organization: Organization) -> User:
    """An admin of `organization`."""
    return make_member(organization, Role.ADMIN, "Tessa Teammate")


@pytest.fixture
def developer(organization: Organization) -> User:
    """A developer of `organization`."""
    return make_member(organization, Role.DEVELOPER, "Dana Developer")


@pytest.fixture
def billing(organization: Organization) -> User:
    """Pays for `organization`."""
    return make_member(organization, Role.BILLING, "Bela Billing")


@pytest.fixture
def viewer(organization: Organization) -> User:
    """May only look at `organization`."""
    return make_member(organization, Role.VIEWER, "Vera Viewer")


@pytest.fixture
def outsider(realm: Realm) -> User:
    """Owns another organization and has no business in `organization`."""
    user = make_user("Otto Outsider")
    make_organization(user, "Elsewhere")
    return user


@pytest.fixture
def staff(realm: Realm) -> User:
    """A member of staff with every right, in no organization."""
    return make_user("Stella Staff", is_staff=True, is_superuser=True)
