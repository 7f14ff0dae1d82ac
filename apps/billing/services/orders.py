"""Buying: the wish, and what follows once it is paid. The payment page between them is `checkout`'s."""

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import Organization, User
from apps.billing.catalogue import Price, Product, catalogue
from apps.billing.errors import (
    AlreadySubscribedError,
    CurrencySwitchError,
    NotOnSaleError,
)
from apps.billing.models import Order
from apps.billing.selectors import is_known, subscription_of
from apps.billing.services import coupons, fulfilment, payments
from apps.billing.services.customers import check_may_buy, customer_of, find
from apps.billing.services.quantities import check_quantity
from apps.billing.services.turns import take_turn
from apps.billing.waiting import check_wait_after
from apps.core.clock import now
from apps.core.errors import LimitExceededError
from apps.core.ids import InvalidIdError
from apps.integrations.stripe import objects
from apps.integrations.stripe.connection import stripe
from apps.integrations.stripe.watching import NeededFirstError, note

log = structlog.get_logger(__name__)

MOST_OPEN = 20
State = Order.State


def place_order(
    user: User | None, organization: Organization, price_code: str, *, quantity: int = 1, coupon: str = ""
) -> Order:
    """The wish to buy so much at a price. The same wish is the same order while it is open.

    Raises `NotFoundError` (no such price), `NotOnSaleError`, `InvalidInputError` (quantity), `CouponRefusedError`,
    `ConflictError` (fewer seats than members, or more was called than the plan includes), `AlreadySubscribedError`,
    `CurrencySwitchError`, `CustomerHeldError`,
    `LimitExceededError` (open orders), `PaymentsNotSetUpError`.
    """
    product, price = catalogue().product_of(price_code), catalogue().price(price_code)
    check_order(organization, product, price, quantity)
    used = coupons.check(organization, product, coupon) if coupon.strip() else ""
    wish = {"price": price.code, "quantity": quantity, "coupon": used}
    with transaction.atomic():
        take_turn(organization.pk)  # clicked twice, it is one order
        customer = customer_of(organization)
        check_may_buy(customer)
        if customer.currency and customer.currency != price.currency:
            raise CurrencySwitchError(_("You pay in %(currency)s.") % {"currency": customer.currency})
        all_open = Order.objects.for_organization(organization).filter(state=State.OPEN)
        if (same := all_open.filter(**wish).first()) is not None:
            return same
        if all_open.count() >= MOST_OPEN:
            told = _("There are %(most)s open orders: pay some, or cancel them on their pages.")
            raise LimitExceededError(told % {"most": MOST_OPEN})
        return Order.objects.create(organization=organization, created_by=user, currency=price.currency, **wish)


def check_order(organization: Organization, product: Product, price: Price, quantity: int) -> None:
    """Whether so much of a product can be bought now. Raises as `place_order`."""
    if not product.on_sale or price != product.price or not price.amount:
        raise NotOnSaleError(_("“%(product)s” is not on sale.") % {"product": product.name})
    if not organization.livemode:
        raise NotOnSaleError(_("Nothing is sold to a sandbox."))
    stripe(organization.realm_id)  # refuses where payments are not set up: nobody could pay the order
    check_quantity(organization, product, quantity)
    if product.is_subscription and subscription_of(organization, product.line):
        raise AlreadySubscribedError(_("There is a subscription already: change it instead."))
    check_wait_after(organization, product)


def apply(seen: objects.CheckoutSession) -> None:
    """Note what became of a payment page."""
    if not seen.reference.startswith(f"{Order.public_prefix}_"):
        return
    try:
        rows = Order.objects.unscoped().filter(pk=Order.parse_public_id(seen.reference))
    except InvalidIdError:  # anybody may write one into the address of another page
        log.warning("checkout_of_nobody", checkout=seen.id)
        return
    if owner := rows.values_list("organization_id", flat=True).first():
        take_turn(owner)
    order = rows.select_for_update(of=("self",), no_key=True).select_related("organization").first()
    if order is None or not _is_of(order, seen):
        log.warning("checkout_of_nobody", checkout=seen.id)  # others may sell through the same account
        return
    if order.state not in (State.OPEN, State.EXPIRED):
        return
    if seen.status == "expired":
        if order.session_id == seen.id:
            order.state = State.EXPIRED
            order.save(update_fields=("state",))
        return
    if seen.status != "complete" or seen.payment_status == "unpaid":
        return
    if seen.subscription and not is_known(order.organization, seen.subscription):
        raise NeededFirstError("subscription", seen.subscription)  # or it could be bought once more until it is
    order.state, order.paid_at, order.session_id = State.PAID, now(), seen.id
    order.total, order.tax, order.currency = seen.total, seen.tax, seen.currency.upper()
    order.payment_intent = seen.payment_intent
    order.save(update_fields=("state", "paid_at", "session_id", "total", "tax", "currency", "payment_intent"))
    if seen.subscription:
        return
    fulfilment.bill(order)
    fulfilment.give(order)
    payments.adopt(order)
    note("payment_intent", seen.payment_intent)


def _is_of(order: Order, seen: objects.CheckoutSession) -> bool:
    """Whether we opened this page for the order: a reference alone can be put into the address of another page."""
    customer = find(seen.customer)
    ours = customer is not None and customer.organization_id == order.organization_id
    return ours and seen.metadata.get("order") == order.public_id and seen.currency.upper() == order.currency
