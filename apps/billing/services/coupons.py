"""Coupons: the catalogue's, open to all, and those that staff gave to one organization."""

from django.db.models import Q
from django.utils.translation import gettext as _

from apps.accounts.models import Organization
from apps.billing.catalogue import Product, catalogue
from apps.billing.errors import CouponRefusedError
from apps.billing.models import Order, PrivateCoupon
from apps.core.clock import now


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
