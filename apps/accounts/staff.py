"""Staff roles: Django groups, which the administration and `has_perm` understand."""

from dataclasses import dataclass
from typing import Any

from django.apps import apps as django_apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission

from apps.core.kinds import Contribution
from apps.core.registry import registry

SUPPORT, OPERATIONS, FINANCE, SUPERUSER = "support", "operations", "finance", "superuser"
STAFF_ROLES = (SUPPORT, OPERATIONS, FINANCE, SUPERUSER)
IMPERSONATE = "impersonate_user"
HELPFUL = {IMPERSONATE, "change_mailmessage"}  # what support may do: help people with access, and with lost mail
PEOPLE = {"accounts", "usersessions"}  # whose rows operations only look at
PACKAGES = {"django_celery_beat", "usersessions", "djstripe"}  # packages whose rows have pages in the administration


@dataclass(frozen=True)
class StaffRight(Contribution):
    """A Django permission that belongs to these staff roles alone (beside superusers), such as giving money back."""

    permission: str
    roles: tuple[str, ...]

    @property
    def key(self) -> str:
        return self.permission


def ensure_staff_groups() -> None:
    """Make the groups and give them their rights over the models of our apps. Running it again changes nothing.

    support: see everything, help customers (as them, with their sessions, tokens and mail) · operations: see
    everything, change what keeps work going · finance: see everything · superuser: everything. What apps contribute as
    a `StaffRight` goes to the roles that it names. What a model's admin refuses (audit, money) stays refused to all.
    """
    ours = {config.label for config in django_apps.get_app_configs() if config.name.startswith("apps.")}
    rights = list(Permission.objects.filter(content_type__app_label__in=ours | PACKAGES).select_related("content_type"))
    seeing = [right for right in rights if right.codename.startswith("view_")]
    helping = [right for right in rights if right.codename in HELPFUL]
    operating = [
        right
        for right in rights
        if right.content_type.app_label not in PEOPLE
        and right.codename.startswith(("change_", "add_", "delete_"))
        and _name_of(right) not in registry(StaffRight)
    ]
    granted = {SUPPORT: seeing + helping, OPERATIONS: seeing + operating, FINANCE: seeing, SUPERUSER: rights}
    for name, permissions in granted.items():
        named = {item.permission for item in registry(StaffRight).all() if name in item.roles}
        group, _created = Group.objects.get_or_create(name=name)
        group.permissions.set([*permissions, *(right for right in rights if _name_of(right) in named)])


def _name_of(right: Permission) -> str:
    return f"{right.content_type.app_label}.{right.codename}"


def after_migrate(**details: Any) -> None:
    """Receiver of Django's `post_migrate`: every release leaves the staff roles with the rights declared here.

    Django makes the permissions of an app after that app's turn; those that are still missing are made first.
    """
    if "plan" not in details:
        return  # tables were emptied, not migrated
    for config in django_apps.get_app_configs():
        if config.name.startswith("apps.") or config.label in PACKAGES:
            create_permissions(config, verbosity=0)
    ensure_staff_groups()
