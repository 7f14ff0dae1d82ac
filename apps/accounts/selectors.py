"""Reads: who belongs where, which credentials are live."""

import uuid
from collections.abc import Iterable

from django.db import models

from apps.accounts.models import Impersonation, Invitation, Membership, Organization, Realm, TokenFamily, User
from apps.core.clock import now
from apps.core.errors import NotFoundError
from apps.core.ids import InvalidIdError
from apps.core.json_values import is_storable

DEFAULT_REALM_SLUG = "levqor"
MOST_RECIPIENTS = 50


def default_realm() -> Realm:
    """Levqor's own realm. The migration makes it; a database without migrations (tests) gets it here."""
    realm, _created = Realm.objects.get_or_create(
        is_default=True, defaults={"slug": DEFAULT_REALM_SLUG, "name": "Levqor"}
    )
    return realm


def memberships_of(user: User) -> models.QuerySet[Membership]:
    """The organizations of a person (live ones), by name, with their realm."""
    return (
        user.memberships.filter(organization__livemode=True)
        .select_related("organization")
        .order_by("organization__name", "pk")
    )


def membership_in(user: User, organization_id: uuid.UUID) -> Membership | None:
    """The person's place in an organization, with it; None for strangers."""
    return user.memberships.filter(organization_id=organization_id).select_related("organization").first()


def membership_named(user: User, reference: str) -> Membership:
    """The person's place in the organization with this public id or short name. Raises `NotFoundError`."""
    try:
        found = membership_in(user, Organization.parse_public_id(reference))
    except InvalidIdError:
        own = user.memberships.filter(organization__slug=reference[:63]).select_related("organization")
        found = own.order_by("created_at").first() if is_storable(reference) else None  # each realm may have one
    if found is None:
        raise Organization.missing(reference)
    return found


def role_now(user_column: str) -> models.Subquery:
    """For queries of credentials: the present role of a row's person in the row's organization, null for strangers."""
    own = Membership.objects.unscoped().filter(
        organization_id=models.OuterRef("organization_id"), user_id=models.OuterRef(user_column)
    )
    return models.Subquery(own.values("role")[:1])


def first_membership(user: User) -> Membership | None:
    """Where a person lands after login: the organization that they joined first."""
    return (
        user.memberships.filter(organization__livemode=True)
        .select_related("organization")
        .order_by("created_at")
        .first()
    )


def members_of(organization: Organization) -> models.QuerySet[Membership]:
    """Members with their users, by name. One query."""
    return (
        Membership.objects.for_organization(organization).select_related("user").order_by("user__name", "user__email")
    )


def count_members(organization_id: uuid.UUID) -> int:
    """How many people belong to the organization."""
    return Membership.objects.for_organization(organization_id).count()


def member_of(organization: Organization, membership_id: uuid.UUID) -> Membership:
    """One member. Raises `NotFoundError`."""
    membership = members_of(organization).filter(pk=membership_id).first()
    if membership is None:
        raise NotFoundError()
    return membership


def open_invitations(organization: Organization) -> models.QuerySet[Invitation]:
    """Invitations that were neither answered nor withdrawn (expired ones too: they can be sent again), newest first."""
    return (
        Invitation.objects.for_organization(organization)
        .filter(state=Invitation.State.PENDING)
        .select_related("invited_by")
        .order_by("-created_at")
    )


def invitations_to(user: User) -> models.QuerySet[Invitation]:
    """Open invitations to a person's address, newest first."""
    return (
        Invitation.objects.unscoped()
        .filter(email=user.email.lower(), state=Invitation.State.PENDING, expires_at__gt=now())
        .select_related("organization", "invited_by")
        .order_by("-created_at")
    )


def organizations_of_user(user: User) -> list[Organization]:
    """The organizations that a person may switch to."""
    return [membership.organization for membership in memberships_of(user)]


def token_families_of(user: User) -> models.QuerySet[TokenFamily]:
    """A person's live terminals and API tokens, latest use first."""
    return (
        user.token_families.filter(revoked_at=None, expires_at__gt=now())
        .select_related("organization")
        .order_by("-last_used_at")
    )


def running_impersonation(impersonation_id: uuid.UUID) -> Impersonation | None:
    """An impersonation that was not ended yet (it may have run out), with everyone in it."""
    return (
        Impersonation.objects.unscoped()
        .filter(pk=impersonation_id, ended_at=None)
        .select_related("staff_user", "user", "organization")
        .first()
    )


def members_with(organization_id: uuid.UUID, roles: Iterable[str]) -> list[User]:
    """Active people with one of these roles in the organization, those who joined first first: at most 50."""
    members = Membership.objects.for_organization(organization_id).filter(role__in=list(roles), user__is_active=True)
    found = members.select_related("user").order_by("created_at", "pk")[:MOST_RECIPIENTS]
    return [member.user for member in found]


def member_emails(organization_id: uuid.UUID, roles: Iterable[str]) -> list[str]:
    """The addresses of active members with one of these roles, those who joined first first: at most 50, as one mail
    may have.
    """
    members = Membership.objects.for_organization(organization_id).filter(role__in=list(roles), user__is_active=True)
    return list(members.order_by("created_at", "pk").values_list("user__email", flat=True)[:MOST_RECIPIENTS])
