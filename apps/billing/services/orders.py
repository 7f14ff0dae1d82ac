"""Buying: from the wish, through a payment page of Stripe's, to what was bought."""

from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.models import Organization, User
from apps.billing.catalogue import Price, Product, catalogue
from apps.billing.errors import (
    AlreadySubscribedError,
    CurrencySwitchError,
    NotOnSaleError,
)
from apps.billing.models import Order
from apps.billing.selectors import had_line, subscription_of
from apps.billing.services import coupons, fulfilment, payments
from apps.billing.services.catalogue_sync import price_at_stripe
from apps.billing.services.customers import check_may_buy, customer_of, ensure_at_stripe
from apps.billing.services.quantities import check_quantity
from apps.core.brand import current_brand
from apps.core.clock import now
from apps.core.errors import ConflictError
from apps.integrations.stripe import objects
from apps.integrations.stripe.connection import stripe
from apps.integrations.stripe.errors import StripeRefusedError
from apps.integrations.stripe.port import CheckoutOrder, Wanted
from apps.integrations.stripe.watching import look_now, note
from apps.usage.periods import month_of

PAGE_LASTS = timedelta(hours=23)  # Stripe closes it after 24 at the latest
State = Order.State


def place_order(
    user: User | None, organization: Organization, price_code: str, *, quantity: int = 1, coupon: str = ""
) -> Order:
    """The wish to buy so much at a price. The same wish is the same order while it is open.

    Raises `NotFoundError` (no such price), `NotOnSaleError`, `InvalidInputError` (quantity), `CouponRefusedError`,
    `ConflictError` (fewer seats than members), `AlreadySubscribedError`, `CurrencySwitchError`, `CustomerHeldError`.
    """
    product, price = catalogue().product_of(price_code), catalogue().price(price_code)
    check_order(organization, product, price, quantity)
    used = coupons.check(organization, product, coupon) if coupon.strip() else ""
    wish = {"price": price.code, "quantity": quantity, "coupon": used}
    with transaction.atomic():
        customer = customer_of(organization)
        check_may_buy(customer)
        if customer.currency and customer.currency != price.currency:
            raise CurrencySwitchError(_("You pay in %(currency)s.") % {"currency": customer.currency})
        open_orders = Order.objects.for_organization(organization).filter(state=State.OPEN, **wish)
        try:
            with transaction.atomic():
                return open_orders.first() or Order.objects.create(
                    organization=organization, created_by=user, currency=price.currency, **wish
                )
        except IntegrityError:  # clicked twice
            return open_orders.get()


def check_order(organization: Organization, product: Product, price: Price, quantity: int) -> None:
    """Whether so much of a product can be bought now. Raises as `place_order`."""
    if not product.on_sale or price != product.price or not price.amount:
        raise NotOnSaleError(_("“%(product)s” is not on sale.") % {"product": product.name})
    if not organization.livemode:
        raise NotOnSaleError(_("Nothing is sold to a sandbox."))
    check_quantity(organization, product, quantity)
    if product.is_subscription and subscription_of(organization, product.line):
        raise AlreadySubscribedError(_("There is a subscription already: change it instead."))


def open_page(order: Order) -> str:
    """The address of the order's payment page: the one that is open, or a new one. Said at once by many it is one page.

    Raises `ConflictError` for an order that can't be paid any more, and what the gateway raises.
    """
    if order.state != State.OPEN:
        raise ConflictError(_("This order is paid or expired."))
    customer = customer_of(order.organization)
    check_may_buy(customer)
    product = catalogue().product_of(order.price)
    if product.is_subscription and subscription_of(order.organization, product.line):
        raise AlreadySubscribedError(_("There is a subscription already: change it instead."))
    gateway = stripe(order.organization.realm_id)
    session = gateway.fetch("checkout.session", order.session_id) if order.session_id else None
    if isinstance(session, objects.CheckoutSession) and session.status == "open":
        return session.url
    if isinstance(session, objects.CheckoutSession) and session.status == "complete":
        note("checkout.session", session.id)
        return _return_address(order)
    wanted = _checkout(order, product, ensure_at_stripe(customer))
    made = gateway.open_checkout(wanted, key=f"order:{order.public_id}:{order.sessions}")
    Order.objects.for_organization(order.organization_id).filter(pk=order.pk, sessions=order.sessions).update(
        session_id=made.id, sessions=order.sessions + 1
    )
    return made.url


def _checkout(order: Order, product: Product, customer: str) -> CheckoutOrder:
    bundle = catalogue().bundle(order.price)
    trial = 0 if had_line(order.organization, product.line) else product.trial_days
    return CheckoutOrder(
        mode="subscription" if product.is_subscription else "payment",
        customer=customer,
        wanted=[
            Wanted(price_at_stripe(price.code), None if price.meter else order.quantity if price == bundle[0] else 1)
            for price in bundle
        ],
        reference=order.public_id,
        success_url=f"{_return_address(order)}?session={{CHECKOUT_SESSION_ID}}",
        cancel_url=f"{current_brand().site_url}{reverse('billing')}?canceled={order.public_id}",
        expires_at=order.created_at + PAGE_LASTS * (order.sessions + 1),
        coupon=coupons.code_at_stripe(order.coupon),
        trial_days=trial,
        anchor=month_of(now()).end if product.line == "api" else None,
        automatic_tax=settings.STRIPE_TAX,
        metadata={"order": order.public_id, "organization": order.organization.public_id, "product": product.code},
    )


def _return_address(order: Order) -> str:
    return current_brand().site_url + reverse("billing_return", args=[order.public_id])


def apply(seen: objects.CheckoutSession) -> None:
    """Note what became of a payment page."""
    if not seen.reference.startswith(f"{Order.public_prefix}_"):
        return
    payments.hold(seen.payment_intent)
    rows = Order.objects.unscoped().select_for_update(of=("self",), no_key=True).select_related("organization")
    order = rows.filter(pk=Order.parse_public_id(seen.reference)).first()
    if order is None or order.state not in (State.OPEN, State.EXPIRED):
        return
    if seen.status == "expired":
        if order.session_id == seen.id:
            order.state = State.EXPIRED
            order.save(update_fields=("state",))
        return
    if seen.status != "complete" or seen.payment_status == "unpaid":
        return
    order.state, order.paid_at, order.session_id = State.PAID, now(), seen.id
    order.total, order.tax, order.currency = seen.total, seen.tax, seen.currency.upper()
    order.payment_intent = seen.payment_intent
    order.save(update_fields=("state", "paid_at", "session_id", "total", "tax", "currency", "payment_intent"))
    if seen.subscription:
        note("subscription", seen.subscription)
        return
    fulfilment.bill(order)
    fulfilment.give(order)
    payments.adopt(order)
    note("payment_intent", seen.payment_intent)


def cancel_page(order: Order) -> None:
    """The customer thought better of it: the page is closed. One that was paid meanwhile stays paid."""
    if order.state != State.OPEN:
        return
    if not order.session_id:
        rows = Order.objects.for_organization(order.organization_id).filter(pk=order.pk, state=State.OPEN)
        rows.filter(session_id=None).update(state=State.EXPIRED)
        return
    try:
        stripe(order.organization.realm_id).expire_checkout(order.session_id, key=f"expire:{order.session_id}")
    except StripeRefusedError:
        note("checkout.session", order.session_id)


def look_at_subscription(order: Order) -> None:
    """Look at what a paid page has made: for a customer who is back before the events are here."""
    session = stripe(order.organization.realm_id).fetch("checkout.session", order.session_id or "")
    if isinstance(session, objects.CheckoutSession) and session.subscription:
        look_now("subscription", session.subscription)
