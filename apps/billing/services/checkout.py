"""The payment page of an order: opened at Stripe when it is visited, closed again, and looked at afterwards.

An order has one page at a time. What must not be paid twice (a subscription of a line, a coupon) has one page for all
orders: who opens a page ends the other orders first, and hands a page out only while its own order is open still. Of
two who do so at once one is refused, or both.

That a page is opened (`sessions`) is written down before Stripe is asked, its id after that. In between there may be a
page that is not known here: who wants to close it asks for it once more, with the same key.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Q
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.billing.catalogue import API_LINE, Product, catalogue
from apps.billing.errors import AlreadySubscribedError
from apps.billing.models import Customer, Order
from apps.billing.selectors import had_line, subscription_of
from apps.billing.services import coupons
from apps.billing.services.catalogue_sync import price_at_stripe
from apps.billing.services.customers import check_may_buy, customer_of, ensure_at_stripe
from apps.billing.services.turns import alone
from apps.billing.waiting import check_wait_after
from apps.core.brand import current_brand
from apps.core.clock import now
from apps.core.errors import ConflictError
from apps.integrations.stripe import objects
from apps.integrations.stripe.connection import stripe
from apps.integrations.stripe.errors import StripeMissingError, StripeRefusedError
from apps.integrations.stripe.port import CheckoutOrder, Wanted
from apps.integrations.stripe.watching import look_now, note
from apps.usage.periods import month_of

PAGE_LASTS = timedelta(hours=23)  # Stripe closes it after 24 at the latest
SOON_OVER = timedelta(minutes=35)  # and opens none for less than 30 minutes
TOO_LITTLE_LEFT = timedelta(days=2)
TOO_SMALL, OTHER_WORDS = "amount_too_small", "idempotency_error"  # how Stripe refuses a page
UNVISITED = timedelta(days=7)
State = Order.State


def open_page(order: Order) -> str:
    """The address of the order's payment page: the one that is open, or a new one. Said at once by many it is one page.

    Raises `ConflictError` for an order that can't be paid any more or has to wait, `AlreadySubscribedError`,
    `CouponRefusedError`, `CustomerHeldError`, and what the gateway raises.
    """
    if order.state != State.OPEN:
        raise _ended()
    customer, product = customer_of(order.organization), catalogue().product_of(order.price)
    check_may_buy(customer)
    check_wait_after(order.organization, product)
    _check_once(order, product)
    _close_others(order, product)
    _check_once(order, product)  # another order may have been paid just before
    session = _page_of(order)
    if session is not None and session.status == "open":
        return session.url
    if session is not None and session.status == "complete":
        note("checkout.session", session.id)
        return _return_address(order)
    return _new_page(order, product, ensure_at_stripe(customer))


def _check_once(order: Order, product: Product) -> None:
    """Whether what is had once is not had already."""
    if product.is_subscription and subscription_of(order.organization, product.line):
        raise AlreadySubscribedError(_("There is a subscription already: change it instead."))
    if order.coupon:
        coupons.check(order.organization, product, order.coupon)


def _page_of(order: Order) -> objects.CheckoutSession | None:
    return _page(order, order.session_id) if order.session_id else None


def _page(order: Order, session_id: str) -> objects.CheckoutSession | None:
    try:
        found = stripe(order.organization.realm_id).fetch("checkout.session", session_id)
    except StripeMissingError:
        return None
    return found if isinstance(found, objects.CheckoutSession) else None


def _new_page(order: Order, product: Product, customer: str) -> str:
    """Its end is written down before Stripe is asked: who is killed, and who comes second, asks for the same page."""
    rows = Order.objects.for_organization(order.organization_id).filter(pk=order.pk)
    if order.session_id or order.page_until is None or order.page_until < now() + SOON_OVER:
        rows.filter(sessions=order.sessions, state=State.OPEN).update(
            sessions=F("sessions") + 1, page_until=now().replace(microsecond=0) + PAGE_LASTS, session_id=None
        )
        order.refresh_from_db()
        if order.state != State.OPEN:
            raise _ended()
    try:
        made = _ask_for_page(order, product, customer)
    except StripeRefusedError as refusal:
        if refusal.code != OTHER_WORDS:  # there is no page, and the next one has another key: this one stays refused
            rows.filter(sessions=order.sessions, session_id=None).update(page_until=None)
            order.page_until = None
        raise _too_late() if refusal.code == TOO_SMALL and product.line == API_LINE else refusal from None
    if not rows.filter(sessions=order.sessions, state=State.OPEN).update(session_id=made.id):
        _close(order, made.id)  # it was canceled, paid, or another of its line opened meanwhile
        raise _ended()
    order.session_id = made.id
    return made.url


def _too_late() -> ConflictError:
    """The first bill of a plan is for the rest of the month, of which too little may be left."""
    return ConflictError(
        _("The rest of this month costs less than can be charged. You can buy this plan from %(day)s on.")
        % {"day": date_format(month_of(now()).end, "j F")}
    )


def _ask_for_page(order: Order, product: Product, customer: str) -> objects.CheckoutSession:
    """The page of this order's latest opening: made now, or the same once more."""
    return stripe(order.organization.realm_id).open_checkout(
        _wanted(order, product, customer), key=f"order:{order.public_id}:{order.sessions}"
    )


def _ended() -> ConflictError:
    return ConflictError(_("This order is paid or expired."))


def _wanted(order: Order, product: Product, customer: str) -> CheckoutOrder:
    bundle, until = catalogue().bundle(order.price), order.page_until or now() + PAGE_LASTS
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
        expires_at=until,
        coupon=coupons.code_at_stripe(order.coupon),
        trial_days=trial,
        anchor=_anchor(product, until - PAGE_LASTS),
        automatic_tax=settings.STRIPE_TAX,
        metadata={"order": order.public_id, "organization": order.organization.public_id, "product": product.code},
    )


def _anchor(product: Product, opened: datetime) -> datetime | None:
    """API plans are billed with the months of their calls. In a month's last days the rest of it may cost less than can
    be charged: a plan without overage is billed from day to day then."""
    end = month_of(opened).end
    begins_anywhere = product.line != API_LINE or (product.overage is None and end - opened < TOO_LITTLE_LEFT)
    return None if begins_anywhere else end


def _return_address(order: Order) -> str:
    return current_brand().site_url + reverse("billing_return", args=[order.public_id])


def _close_others(order: Order, product: Product) -> None:
    """Raises `ConflictError` where another one was paid in this moment."""
    line = [price.code for one in catalogue().line(product.line) for price in one.prices] if product.line else []
    same = Q(price__in=line) | (Q(coupon=order.coupon) if order.coupon else Q(pk=None))
    others = Order.objects.for_organization(order.organization_id).filter(same, state=State.OPEN).exclude(pk=order.pk)
    for other in others.select_related("organization").order_by("pk"):
        if not cancel_page(other):
            raise ConflictError(_("Another order of yours was paid just now. Look at your plans first."))


def cancel_page(order: Order) -> bool:
    """The customer thought better of it: nobody can pay the order any more. False: it was paid meanwhile."""
    if order.state != State.OPEN:
        return order.state == State.EXPIRED
    page = order.session_id or _unnoted_page(order)
    if page and not _close(order, page):
        return False
    rows = Order.objects.for_organization(order.organization_id).filter(pk=order.pk, state=State.OPEN)
    if not rows.filter(sessions=order.sessions).update(state=State.EXPIRED):
        order.refresh_from_db()  # paid, canceled, or another page was opened meanwhile
        return cancel_page(order)
    return True


def _unnoted_page(order: Order) -> str:
    """The page that somebody opens this moment, or was killed while they did. It is made now where it never was: then
    nobody else makes it."""
    customer = customer_of(order.organization).stripe_id
    if not customer or order.page_until is None or order.page_until <= now():
        return ""  # none was opened, or Stripe closed it itself
    try:
        return _ask_for_page(order, catalogue().product_of(order.price), customer).id
    except StripeRefusedError:  # it was asked for in other words, or can't be opened any more
        pages = stripe(order.organization.realm_id).checkouts(since=order.page_until - PAGE_LASTS)
        ours = (page for page in pages if page.reference == order.public_id and page.customer == customer)
        return next((page.id for page in ours if page.status != "expired"), "")


def _close(order: Order, page: str) -> bool:
    """Whether nobody can pay at this page any more. False: it was paid."""
    try:
        stripe(order.organization.realm_id).expire_checkout(page, key=f"expire:{page}")
    except StripeMissingError:
        return True  # nobody pays what is not there
    except StripeRefusedError:
        note("checkout.session", page)
        session = _page(order, page)
        return session is not None and session.status == "expired"
    return True


def close_held() -> int:
    """Close the pages of customers that are on hold, which were opened before. Returns how many."""
    held = Customer.objects.unscoped().exclude(held_because="")
    rows = Order.objects.unscoped().filter(state=State.OPEN, sessions__gt=0)
    rows = rows.filter(organization__in=held.values("organization"))
    return sum(alone(cancel_page, order) for order in rows.select_related("organization").order_by("pk")[:100])


def expire_orders() -> int:
    """End orders that nobody paid: looked at where there was a page, at once where nobody went. Returns how many."""
    rows = Order.objects.unscoped().filter(state=State.OPEN)
    over = rows.filter(page_until__lt=now(), session_id__isnull=False)
    for session in over.values_list("session_id", flat=True)[:500]:
        note("checkout.session", session or "")
    no_page = rows.filter(Q(page_until=None) | Q(page_until__lt=now()), session_id=None)
    return no_page.filter(created_at__lt=now() - UNVISITED).update(state=State.EXPIRED)


def look_at_subscription(order: Order) -> None:
    """Look at what a paid page has made: for a customer who is back before the events are here."""
    session = _page_of(order)
    if session is not None and session.subscription:
        look_now("subscription", session.subscription, patience=0)
