"""Customers on hold: they buy nothing, and run up no overage, until staff let go."""

from django.db import transaction
from django.utils.translation import gettext as _

from apps.audit.services import record
from apps.billing.models import Customer
from apps.billing.services.allowances import push
from apps.billing.services.turns import take_turn
from apps.core.errors import ConflictError


def hold(customer: Customer, reason: str) -> bool:
    """Put a customer on hold. Returns whether it was not until now."""
    return _set(customer, reason[:200])


def hold_by_staff(customer: Customer, reason: str) -> None:
    """Staff put a customer on hold. Raises `ConflictError` for one that is."""
    with transaction.atomic():
        if not hold(customer, reason):
            raise ConflictError(_("This customer is on hold already."))
        record(
            "billing.customer_held", target=customer, data={"reason": reason}, organization_id=customer.organization_id
        )


def release(customer: Customer) -> None:
    """Let a customer buy again. Raises `ConflictError` for one that may."""
    with transaction.atomic():
        if not _set(customer, ""):
            raise ConflictError(_("This customer is not on hold."))
        record("billing.customer_released", target=customer, organization_id=customer.organization_id)


@transaction.atomic
def _set(customer: Customer, reason: str) -> bool:
    """Whether that changes something: then the gate is told."""
    take_turn(customer.organization_id)
    held = Customer.objects.unscoped().filter(pk=customer.pk).exclude(held_because="")
    rows = Customer.objects.unscoped().filter(pk=customer.pk, held_because="") if reason else held
    changed = bool(rows.update(held_because=reason))
    if changed:
        push(customer.organization)
    return changed
