"""What will be charged, and when: for what is about to be bought, and with the next bill of what there is."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from apps.accounts.models import Organization
from apps.billing import words
from apps.billing.catalogue import API_LINE, Coupon, Price, Product, catalogue
from apps.billing.models import Order, Subscription
from apps.billing.services import coupons
from apps.core.clock import now
from apps.core.money import Money
from apps.usage.periods import month_of

PERCENT = 100
SECOND = timedelta(seconds=1)
Status = Subscription.Status


@dataclass(frozen=True)
class Charge:
    """A bill to come, before tax: `on` is its day, none for today. `discount` says what was taken off, `then` is what
    each later month costs, where that is another amount. Stripe counts a part of a month to the second, so that is
    known `roughly`."""

    amount: Money
    on: datetime | None = None
    discount: str = ""
    then: Money | None = None
    roughly: bool = False


def first_charge(
    product: Product, quantity: int, coupon: Coupon | None, *, trial_days: int = 0, price: Price | None = None
) -> Charge:
    """What so much of a product costs first: at once, or once its trial is over. Plans of the API go by calendar month,
    so that the first bill is for the rest of this one."""
    cost, moment = (price or product.price).cost(quantity), now()
    month = month_of(moment)
    part = product.line == API_LINE and not trial_days
    whole = _part(cost, Fraction((month.end - moment) // SECOND, (month.end - month.start) // SECOND)) if part else cost
    amount = _less(whole, coupon)
    later = _less(cost, coupon) if coupon and coupon.duration == "forever" else cost
    return Charge(
        amount,
        on=moment + timedelta(days=trial_days) if trial_days else None,
        discount=words.discount_words(coupon) if coupon else "",
        then=later if product.is_subscription and later != amount else None,
        roughly=part,
    )


def next_bill(row: Subscription, usage: Money | None = None) -> Charge | None:
    """The next bill of a subscription, with what its usage comes to so far. None where nothing more will be charged."""
    product, coupon = catalogue().product(row.product), coupon_of(row)
    if row.end_ordered_at is not None or not row.is_paid:
        return None
    price = catalogue().price(row.price)  # it may be one that is no longer sold
    cost = price.cost(row.quantity)
    if row.cancel_at is not None:
        return Charge(usage, on=row.cancel_at) if usage and usage.minor and row.status == Status.ACTIVE else None
    if row.status == Status.TRIALING:
        charge = first_charge(product, row.quantity, coupon, price=price)
        return Charge(charge.amount, on=row.trial_end, discount=charge.discount, then=charge.then)
    if coupon is not None and coupon.duration == "once":
        coupon = None  # its first bill is paid
    amount = cost + usage if usage else cost
    return Charge(_less(amount, coupon), on=row.period_end, discount=words.discount_words(coupon) if coupon else "")


def coupon_of(row: Subscription) -> Coupon | None:
    """The coupon that a subscription was bought with."""
    prices = [price.code for product in catalogue().line(row.line) for price in product.prices]
    paid = Order.objects.for_organization(row.organization_id).filter(state=Order.State.PAID, price__in=prices)
    order = paid.order_by("-paid_at").first()
    return known_coupon(order.coupon) if order else None


def known_coupon(code: str) -> Coupon | None:
    """The catalogue's coupon behind a code, where it is one."""
    return catalogue().coupons.get(coupons.code_at_stripe(code))


def usable_coupon(organization: Organization, product: Product, code: str) -> Coupon | None:
    """The coupon of a code that works for this organization and product. Raises `CouponRefusedError`."""
    return known_coupon(coupons.check(organization, product, code)) if code.strip() else None


def _less(whole: Money, coupon: Coupon | None) -> Money:
    if coupon is None:
        return whole
    return whole - _part(whole, Fraction(coupon.percent) / PERCENT)


def _part(whole: Money, share: Fraction) -> Money:
    """So much of an amount, half a cent up."""
    return Money(int(whole.minor * share + Fraction(1, 2)), whole.currency)
