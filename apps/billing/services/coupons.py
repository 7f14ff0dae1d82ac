"""Coupons: the catalogue's, open to all, and those that staff gave to one organization."""

import re
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _

from apps.accounts.models import Organization
from apps.audit.services import record
from apps.billing.catalogue import Product, catalogue
from apps.billing.errors import CouponRefusedError
from apps.billing.models import Order, PrivateCoupon
from apps.core.clock import now
from apps.core.errors import ConflictError, InvalidInputError

CODE = re.compile(r"[a-z0-9][a-z0-9-]{3,39}")
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another


def check(organization: Organization, product: Product, code: str) -> str:
    """The code as orders keep it. Raises `CouponRefusedError`, with the same words whatever is wrong with it."""
    code = code.strip().lower()
    coupon = catalogue().coupons.get(_coupon_of(organization, code))
    used = Order.objects.for_organization(organization).filter(
        coupon=code, state__in=(Order.State.PAID, Order.State.REVERSED)
    )
    if coupon is None or not coupon.is_current or product.code not in coupon.products or used.exists():
        raise CouponRefusedError(_("This code does not work here, or was used before."))
    return code


def give(
    organization: Organization, coupon: str, *, code: str = "", expires_at: datetime | None = None
) -> PrivateCoupon:
    """Staff give a coupon of the catalogue to one organization, under a code of its own: one that is made, or `code`.

    Raises `InvalidInputError` for what is no coupon, code or time to come, `ConflictError` for a code that is taken.
    """
    code = code.strip().lower() or f"gift-{get_random_string(10, LETTERS)}"
    known = catalogue().coupons.get(coupon)
    if known is None or not known.is_current:
        raise InvalidInputError(_("There is no such coupon any more."))
    if not CODE.fullmatch(code):
        raise InvalidInputError(_("A code has 4 to 40 letters, digits and hyphens."))
    if expires_at is not None and expires_at <= now():
        raise InvalidInputError(_("A coupon ends on some day to come."))
    try:
        with transaction.atomic():
            if code in catalogue().coupons:
                raise IntegrityError
            made = PrivateCoupon.objects.create(
                organization=organization, code=code, coupon=coupon, expires_at=expires_at
            )
            record(
                "billing.coupon_given",
                target=made,
                data={"coupon": coupon, "expires_at": expires_at.isoformat() if expires_at else None},
                organization_id=organization.pk,
            )
    except IntegrityError as error:
        raise ConflictError(_("This code is taken.")) from error
    return made


def code_at_stripe(code: str) -> str:
    """The catalogue's coupon behind the code of an order."""
    if not code or code in catalogue().coupons:
        return code
    row = PrivateCoupon.objects.unscoped().filter(code=code).first()
    return row.coupon if row else ""


def _coupon_of(organization: Organization, code: str) -> str:
    if code in catalogue().coupons:
        return code
    current = Q(expires_at=None) | Q(expires_at__gt=now())
    row = PrivateCoupon.objects.for_organization(organization).filter(current, code=code).first()
    return row.coupon if row else ""
