"""A person arrives."""

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.names import harmless_name
from apps.accounts.services import invitations
from apps.accounts.services.organizations import create_organization
from apps.audit.services import record
from apps.core.events import emit


def complete_signup(user: User, *, invitation_token: str | None = None) -> None:
    """Give a new person an organization of their own, unless an open invitation to their address waits for them.

    Safe to call twice.
    """
    with transaction.atomic():
        if user.memberships.exists():
            return
        if not (invitation_token and invitations.is_for(invitation_token, user.email)):
            create_organization(user, name=default_name(user))
        emit("user_signed_up", {"user": user.public_id})
        record("accounts.signed_up", actor=user, target=user, data={"email": user.email})


def default_name(user: User) -> str:
    """The name of a first organization, in the person's language: they can change it."""
    if not user.name:
        return harmless_name(user.email.split("@", 1)[0])
    return harmless_name(_("%(name)s’s organization") % {"name": user.get_short_name()[:80]})
