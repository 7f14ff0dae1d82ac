"""Organizations come to be and change."""

import secrets

from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from apps.accounts import selectors
from apps.accounts.models import Membership, Organization, Realm, Role, User
from apps.accounts.names import clean_name
from apps.accounts.services import version_names
from apps.audit.services import record
from apps.core import versions
from apps.core.errors import LimitExceededError
from apps.core.events import emit

ORGANIZATIONS_PER_USER = 20
SLUG_LENGTH = 50


def create_organization(
    user: User, *, name: str, realm: Realm | None = None, slug: str = "", timezone: str = "UTC"
) -> Organization:
    """Found an organization with `user` as its owner.

    Raises `InvalidInputError` for a bad name, `LimitExceededError` for a person's 21st organization.
    """
    name = clean_name(name)
    realm = realm or selectors.default_realm()
    with transaction.atomic():
        User.objects.select_for_update(of=("self",), no_key=True).get(pk=user.pk)
        if Organization.objects.filter(created_by=user).count() >= ORGANIZATIONS_PER_USER:
            raise LimitExceededError(
                _("One person can create %(most)s organizations.") % {"most": ORGANIZATIONS_PER_USER}
            )
        organization = _insert(Organization(realm=realm, name=name, timezone=timezone, created_by=user), slug or name)
        Membership.objects.create(organization=organization, user=user, role=Role.OWNER)
        emit(
            "organization_created",
            {"organization": organization.public_id, "name": organization.name, "owner": user.public_id},
            organization_id=organization.pk,
            realm_id=realm.pk,
        )
        record(
            "accounts.organization_created",
            actor=user,
            target=organization,
            data={"name": organization.name},
            organization_id=organization.pk,
        )
    return organization


def _insert(organization: Organization, wanted: str) -> Organization:
    """Save with the wanted slug, or with a random ending where it is taken."""
    base = slugify(wanted)[:SLUG_LENGTH].strip("-") or "organization"
    organization.slug = base
    for _attempt in range(5):
        try:
            with transaction.atomic():
                organization.save(force_insert=True)
        except IntegrityError:
            organization.slug = f"{base}-{secrets.token_hex(3)}"
        else:
            return organization
    raise LimitExceededError(_("No free short name was found for this organization. Choose another name."))


def change_organization(organization: Organization, *, name: str, timezone: str) -> None:
    """Change an organization's settings, and those of its sandbox with them. Raises `InvalidInputError`."""
    name = clean_name(name)
    with transaction.atomic():
        current = Organization.objects.select_for_update(of=("self",), no_key=True).get(pk=organization.pk)
        wanted = {"name": name, "timezone": timezone}
        changed = {key: value for key, value in wanted.items() if getattr(current, key) != value}
        if not changed:
            return
        before = {key: getattr(current, key) for key in changed}
        for key, value in changed.items():
            setattr(current, key, value)
            setattr(organization, key, value)
        versions.changed(version_names.of_organization(current.pk))
        current.save(update_fields=list(changed))
        twin = Organization.objects.filter(twin_of=current).first()
        if twin is not None:
            versions.changed(version_names.of_organization(twin.pk))
            Organization.objects.filter(pk=twin.pk).update(**wanted)
        record(
            "accounts.organization_changed",
            target=current,
            data={"before": before, "after": changed},
            organization_id=current.pk,
        )
