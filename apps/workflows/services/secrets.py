"""The organization's vault: values go in and never come out."""

import re

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.accounts.models import Organization
from apps.accounts.permissions import Actor
from apps.audit.services import record
from apps.core.errors import InvalidInputError, LimitExceededError, NotFoundError
from apps.workflows import limits
from apps.workflows.models import Secret

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


def put_secret(organization: Organization, name: str, value: str, actor: Actor) -> Secret:
    """Store or replace a secret. Raises `InvalidInputError` or `LimitExceededError`."""
    if not NAME.fullmatch(name):
        raise InvalidInputError(
            _("A secret's name has up to 64 letters, digits and underscores, and no digit first."),
            code="invalid_secret_name",
        )
    if len(value.strip()) < limits.SECRET_CHARACTERS or len(value.encode()) > limits.SECRET_BYTES:
        raise InvalidInputError(
            _("A secret's value has at least %(least)s characters and at most %(most)s bytes.")
            % {"least": limits.SECRET_CHARACTERS, "most": limits.SECRET_BYTES},
            code="invalid_secret_value",
        )
    with transaction.atomic():
        try:
            secret = _store(organization, name, value, actor)
        except IntegrityError:  # somebody stored it first in this very moment: it is there now, to be replaced
            secret = _store(organization, name, value, actor)
        record("workflows.secret_stored", target=secret, organization_id=organization.pk)
    return secret


def _store(organization: Organization, name: str, value: str, actor: Actor) -> Secret:
    """Insert or update the row. Raises `IntegrityError` where another one inserts it meanwhile."""
    with transaction.atomic():
        own = Secret.objects.for_organization(organization)
        existing = own.select_for_update(no_key=True).filter(name=name).first()
        if existing is None and own.count() >= limits.SECRETS_PER_ORGANIZATION:
            raise LimitExceededError(
                _("An organization keeps at most %(most)s secrets.") % {"most": limits.SECRETS_PER_ORGANIZATION}
            )
        secret = existing or Secret(organization=organization, name=name)
        secret.value, secret.updated_by = value, actor.user
        secret.save()
    return secret


def delete_secret(organization: Organization, name: str) -> None:
    """Forget a secret. Raises `NotFoundError`."""
    with transaction.atomic():
        secret = Secret.objects.for_organization(organization).filter(name=name).first()
        if secret is None:
            raise NotFoundError(_("There is no secret “%(name)s”.") % {"name": name[:64]})
        record("workflows.secret_deleted", target=secret, organization_id=organization.pk)
        secret.delete()
