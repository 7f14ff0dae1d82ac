"""Staff act as a customer: with a reason, for an hour at most, every step on the record."""

from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts import selectors
from apps.accounts.errors import PermissionDeniedError
from apps.accounts.models import Impersonation, Organization, User
from apps.audit.services import record
from apps.core.clock import now
from apps.core.errors import InvalidInputError

IMPERSONATION_KEY = "impersonation_id"
LONGEST = timedelta(minutes=60)
PERMISSION = "accounts.impersonate_user"


def start_impersonation(
    staff_user: User, user: User, organization: Organization, *, reason: str, minutes: int = 30
) -> Impersonation:
    """Begin to act as `user` in `organization`. One at a time: an earlier one of this member of staff ends.

    Raises `PermissionDeniedError` without the staff right or towards other staff, `InvalidInputError` for a missing
    reason, a time outside 1–60 minutes or a user who is no member.
    """
    if not (staff_user.is_active and staff_user.is_staff and staff_user.has_perm(PERMISSION)):
        raise PermissionDeniedError(_("Only support staff may act as a customer."))
    if user.is_staff or user.is_superuser or user.pk == staff_user.pk:
        raise PermissionDeniedError(_("Staff cannot be acted for."))
    if not user.is_active:
        raise InvalidInputError(_("This account is inactive."))
    reason = reason.strip()
    if not 5 <= len(reason) <= 300:
        raise InvalidInputError(_("Give a reason of 5 to 300 characters, such as the support ticket."))
    if not 1 <= minutes <= LONGEST.seconds // 60:
        raise InvalidInputError(_("The time is 1 to 60 minutes."))
    if selectors.membership_in(user, organization.pk) is None:
        raise InvalidInputError(_("This person does not belong to that organization."))
    with transaction.atomic():
        User.objects.select_for_update(of=("self",), no_key=True).get(pk=staff_user.pk)
        for earlier in Impersonation.objects.unscoped().filter(staff_user=staff_user, ended_at=None):
            end_impersonation(earlier, reason="replaced")
        started = now()
        running = Impersonation.objects.create(
            staff_user=staff_user,
            user=user,
            organization=organization,
            reason=reason,
            started_at=started,
            ends_at=started + timedelta(minutes=minutes),
        )
        record(
            "accounts.impersonation_started",
            target=user,
            data={"reason": reason, "minutes": minutes, "staff": staff_user.email},
            organization_id=organization.pk,
        )
    return running


def end_impersonation(running: Impersonation, *, reason: str = "ended") -> None:
    """End it; ending twice changes nothing. `reason`: ended, expired, replaced, membership_ended, logout."""
    with transaction.atomic():
        ended = (
            Impersonation.objects.unscoped()
            .filter(pk=running.pk, ended_at=None)
            .update(ended_at=min(now(), running.ends_at))
        )
        if ended:
            running.refresh_from_db(fields=["ended_at"], from_queryset=Impersonation.objects.unscoped())
            record(
                "accounts.impersonation_ended",
                target=running.user,
                data={"reason": reason, "staff": running.staff_user.email},
                organization_id=running.organization_id,
            )
