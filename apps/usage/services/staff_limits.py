"""What staff do about an organization's limits, on the record."""

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import Organization
from apps.audit.services import record
from apps.core.errors import ConflictError
from apps.usage.limits import set_limits
from apps.usage.models import OrganizationLimits

LIMITS_CHANGED = "usage.limits_changed"


def change_limits(organization: Organization, plan: str, *, calls: int | None, per_minute: int | None) -> None:
    """Let an organization use something else from the next call on. Raises `ConflictError` where nothing would change.

    Belongs to staff: what is sold comes by `set_limits` alone.
    """
    after = {"plan": plan, "calls": calls, "per_minute": per_minute}
    with transaction.atomic():
        row = OrganizationLimits.objects.for_organization(organization).select_for_update().first()
        before = {name: getattr(row, name) for name in after} if row is not None else None
        if before == after:
            raise ConflictError(_("These are the limits already."))
        set_limits(organization, plan, calls=calls, per_minute=per_minute)
        target = OrganizationLimits.objects.for_organization(organization).select_related("organization").get()
        record(LIMITS_CHANGED, target=target, data={"before": before, "after": after}, organization_id=organization.pk)
