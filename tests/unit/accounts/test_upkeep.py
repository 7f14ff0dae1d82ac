"""Clean-up, demo people, staff roles."""

from datetime import timedelta
from importlib import import_module

import pytest
import time_machine
from django.apps import apps as django_apps
from django.contrib.auth.models import Group

from apps.accounts import demo, selectors
from apps.accounts.models import DeviceAuthorization, Invitation, Role, TokenFamily, User
from apps.accounts.services import device, invitations, tokens
from apps.accounts.services.cleanup import token_cleanup
from apps.accounts.staff import STAFF_ROLES, ensure_staff_groups
from apps.core.clock import now
from apps.core.errors import ForbiddenError
from tests.common.roles import actor_of


def test_what_ended_long_ago_goes(owner, organization):
    tokens.mint(owner, organization, origin=TokenFamily.Origin.SESSION, client_name="old")
    device.start("old")
    invitations.invite(actor_of(owner, organization), organization, email="a@example.com", role=Role.VIEWER)
    assert token_cleanup(now()) == "0 token families, 0 device logins, 0 invitations, 0 API keys"
    with time_machine.travel(now() + timedelta(days=120), tick=False):
        tokens.mint(owner, organization, origin=TokenFamily.Origin.SESSION, client_name="new")
        assert token_cleanup(now()) == "1 token families, 1 device logins, 1 invitations, 0 API keys"
        assert [family.client_name for family in selectors.token_families_of(owner)] == ["new"]
    assert not DeviceAuthorization.objects.unscoped().exists()
    assert not Invitation.objects.unscoped().exists()


def test_demo_people_are_made_once(db):
    demo.load()
    demo.load()
    owner = User.objects.get(email=demo.OWNER)
    assert owner.check_password(demo.PASSWORD)
    organization = demo.demo_organization()
    assert {member.role for member in selectors.members_of(organization)} == {"owner", "billing", "developer", "viewer"}
    staff = User.objects.get(email=demo.STAFF)
    assert staff.is_superuser
    assert not staff.memberships.exists()
    assert User.objects.count() == 5
    assert set(staff.groups.values_list("name", flat=True)) == set(STAFF_ROLES)


def test_demo_people_stay_out_of_production(db, settings):
    settings.DEMO = False
    with pytest.raises(ForbiddenError):
        demo.load()
    assert not User.objects.exists()


def test_staff_roles_have_their_rights(db):
    ensure_staff_groups()
    rights = {group.name: set(group.permissions.values_list("codename", flat=True)) for group in Group.objects.all()}
    assert set(rights) == set(STAFF_ROLES)
    assert "impersonate_user" in rights["support"]
    assert "impersonate_user" not in rights["operations"] | rights["finance"]
    assert "change_jobrun" in rights["operations"]
    assert "change_user" not in rights["operations"] | rights["support"] | rights["finance"]
    more = {code for code in rights["finance"] if not code.startswith("view_")}
    assert more == {
        "refund_payment", "change_customer", "add_creditgrant", "change_creditgrant", "add_privatecoupon",
        "change_abuseflag", "add_infrastructurecost", "change_infrastructurecost", "delete_infrastructurecost",
    }  # fmt: skip
    assert rights["superuser"] >= rights["operations"] | rights["support"]


def test_the_migration_makes_the_first_rows(db):
    migration = import_module("apps.accounts.migrations.0002_first_rows")
    migration.first_rows(django_apps, None)
    assert selectors.default_realm().slug == "levqor"
    assert set(Group.objects.values_list("name", flat=True)) == set(STAFF_ROLES)
