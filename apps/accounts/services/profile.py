"""What a person says about themself."""

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.names import clean_name
from apps.accounts.services import version_names
from apps.audit.services import record
from apps.core import versions


def change_profile(user: User, *, name: str) -> None:
    """Store a new name. Raises `InvalidInputError`."""
    name = clean_name(name)
    with transaction.atomic():
        versions.changed(version_names.of_user(user.pk))
        if User.objects.filter(pk=user.pk).exclude(name=name).update(name=name):
            user.name = name
            record("accounts.profile_changed", actor=user, target=user)
