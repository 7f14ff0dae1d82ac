"""Staff roles after a release, and the limits of what staff do to people."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management.sql import emit_post_migrate_signal

from apps.accounts.errors import PermissionDeniedError
from apps.accounts.models import User
from apps.accounts.services import staff_help
from apps.accounts.staff import StaffRight, after_migrate, ensure_staff_groups
from apps.core.errors import ConflictError
from apps.core.registry import contributed

pytestmark = pytest.mark.django_db


def rights_of(role):
    rights = Group.objects.get(name=role).permissions.select_related("content_type")
    return {f"{right.content_type.app_label}.{right.codename}" for right in rights}


def test_every_release_writes_the_rights_of_the_roles():
    Group.objects.all().delete()
    Permission.objects.filter(content_type__app_label="workflows").delete()
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default", plan=[])
    assert "workflows.change_run" in rights_of("operations")
    assert "workflows.view_run" in rights_of("support") & rights_of("finance")


def test_emptied_tables_are_no_release():
    Group.objects.all().delete()
    after_migrate()
    assert not Group.objects.exists()


def test_what_each_role_may():
    ensure_staff_groups()
    support, operations = rights_of("support"), rights_of("operations")
    assert {"accounts.impersonate_user", "integrations.change_mailmessage"} <= support
    assert not [right for right in support if ".add_" in right or ".delete_" in right]
    assert "django_celery_beat.change_periodictask" in operations
    assert not [right for right in operations if right.startswith(("accounts.change", "usersessions.change"))]
    assert "usersessions.view_usersession" in rights_of("finance")


def test_a_right_with_roles_of_its_own_goes_to_them_alone():
    with contributed(StaffRight("workflows.change_run", ("finance",))):
        ensure_staff_groups()
    assert "workflows.change_run" in rights_of("finance") & rights_of("superuser")
    assert "workflows.change_run" not in rights_of("operations") | rights_of("support")
    ensure_staff_groups()
    assert "workflows.change_run" in rights_of("operations") - rights_of("finance")


def test_staff_access_is_for_superusers_to_give(owner, staff):
    ensure_staff_groups()
    helper = User.objects.create_user("helper@example.com", "x" * 12, name="Helper", is_staff=True)
    for by, whom in ((helper, owner), (staff, staff)):
        with pytest.raises(PermissionDeniedError):
            staff_help.set_staff_access(whom, by=by, is_staff=True, is_superuser=True, groups=[])
    staff_help.set_staff_access(owner, by=staff, is_staff=False, is_superuser=True, groups=Group.objects.all())
    owner.refresh_from_db()
    assert (owner.is_staff, owner.is_superuser, owner.groups.count()) == (False, False, 0)


def test_nobody_is_kept_out_twice_or_by_themselves(owner, staff):
    staff_help.deactivate(owner, by=staff)
    with pytest.raises(ConflictError):
        staff_help.deactivate(owner, by=staff)
    staff_help.reactivate(owner, by=staff)
    with pytest.raises(ConflictError):
        staff_help.reactivate(owner, by=staff)
    with pytest.raises(PermissionDeniedError):
        staff_help.deactivate(staff, by=staff)
