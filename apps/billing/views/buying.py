"""Buying: what is wanted, the way to the payment page, and the way back."""

from datetime import timedelta
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.accounts.models import Organization
from apps.accounts.requests import MemberRequest
from apps.accounts.web import form_of, organization_page
from apps.billing import selectors, shelf, words
from apps.billing.ahead import Charge, first_charge, next_bill, usable_coupon
from apps.billing.catalogue import API_LINE, Coupon, Product, catalogue
from apps.billing.errors import AlreadySubscribedError, CouponRefusedError
from apps.billing.forms import CheckoutForm
from apps.billing.models import Order, Subscription
from apps.billing.outcome import outcome_of
from apps.billing.services import coupons, orders, quantities
from apps.billing.services.checkout import cancel_page, look_at_subscription, open_page
from apps.billing.views.shared import ask_stripe_seldom, crumbs, may_ask_stripe, page, wants_part
from apps.core.clock import now
from apps.core.errors import DomainError, NotFoundError
from apps.core.form_refusals import add_refusal
from apps.integrations.stripe.errors import StripeUnavailableError
from apps.integrations.stripe.watching import look_now
from apps.usage.periods import month_of

ARRIVES_WITHIN = timedelta(minutes=10)
FOLLOWED = 300  # how often the page asks for itself, every two seconds
ASKS_STRIPE = 30  # how often of these it is asked of Stripe; the event comes later than that only where much is wrong


@require_safe
@organization_page("billing.view")
def checkout(request: MemberRequest) -> HttpResponse:
    """How much of a product, with which coupon, and what it will cost. Asks again by itself as the quantity changes."""
    if not request.GET.get("price"):
        return redirect("pricing")
    product = _sold(request.GET["price"])
    if row := _subscription(request.organization, product):
        return redirect(shelf.change_url(row, product))
    if "quantity" in request.GET:
        form = CheckoutForm(product, request.GET, least=quantities.least_of(request.organization, product))
    else:
        initial = {
            "price": product.price.code,
            "quantity": quantities.least_of(request.organization, product),
            "coupon": _coupon(request.organization, product, request.GET.get("coupon", "")),
        }
        form = CheckoutForm(product, initial=initial, least=quantities.least_of(request.organization, product))
    return _checkout(request, product, form)


@form_of("billing")
@organization_page("billing.manage")
def order_create(request: MemberRequest) -> HttpResponse:
    """Order something and go to its payment page."""
    product = _sold(request.POST.get("price", ""))
    form = CheckoutForm(product, request.POST, least=quantities.least_of(request.organization, product))
    if form.is_valid():
        data = form.cleaned_data
        try:
            order = orders.place_order(
                request.user, request.organization, data["price"], quantity=data["quantity"], coupon=data["coupon"]
            )
        except CouponRefusedError as refusal:
            add_refusal(form, refusal, "coupon")
        except AlreadySubscribedError as refusal:
            messages.info(request, str(refusal.detail))
            row = _subscription(request.organization, product)
            return redirect(shelf.change_url(row, product) if row else "billing")
        except DomainError as refusal:
            add_refusal(form, refusal, "quantity" if refusal.code in quantities.REFUSALS else None)
        else:
            return redirect("billing_pay", order.public_id)
    return _checkout(request, product, form, status=422)


def _sold(price: str) -> Product:
    """A product that is on sale, by its price. Raises `NotFoundError`."""
    product = catalogue().product_of(price)
    if price != product.price.code or not product.on_sale:
        raise NotFoundError
    return product


def _subscription(organization: Organization, product: Product) -> Subscription | None:
    return selectors.subscription_of(organization, product.line) if product.line else None


def _coupon(organization: Organization, product: Product, code: str) -> str:
    """The coupon of a link, where it can be used."""
    try:
        return coupons.check(organization, product, code).upper() if code else ""
    except CouponRefusedError:
        return ""


def _used_coupon(organization: Organization, product: Product, form: CheckoutForm) -> Coupon | None:
    """The coupon that is typed so far, where it works."""
    try:
        return usable_coupon(organization, product, form.typed_coupon)
    except CouponRefusedError:
        return None


def _checkout(request: MemberRequest, product: Product, form: CheckoutForm, status: int = 200) -> HttpResponse:
    quantity = form.wanted
    offered = words.coupon_for(product)
    trial = product.trial_days and not selectors.had_line(request.organization, product.line)
    title = _("Buy %(product)s") % {"product": product.name}
    days = product.trial_days if trial else 0
    used = _used_coupon(request.organization, product, form)
    context = page(
        title,
        breadcrumbs=crumbs(title),
        product=product,
        form=form,
        charge=first_charge(product, quantity, used, trial_days=days) if quantity else None,
        total=product.price.cost(quantity) if quantity else None,
        quantity=quantity,
        per=words.per(product),
        points=words.included(product, quantity or 1),
        coupon=words.coupon_words(offered) if offered else "",
        trial_days=days,
        billed_on=month_of(now()).end if product.line == API_LINE else None,
        on_hold=selectors.is_on_hold(request.organization),
        wait=shelf.wait_for(product, shelf.Reader(True, request.organization, may_buy=True)),
        may_buy=request.may("billing.manage"),
        sandbox=not request.organization.livemode,
    )
    template = "billing/_total.html" if wants_part(request) else "billing/checkout.html"
    return render(request, template, context, status=status)


@require_safe
@never_cache
@organization_page("billing.manage")
def pay(request: MemberRequest, order_id: str) -> HttpResponse:
    """To the payment page of an order; one that is paid leads to what came of it."""
    order = selectors.get_order(request.organization, order_id)
    if order.state != Order.State.OPEN:
        return redirect("billing_return", order.public_id)
    ask_stripe_seldom(request, "pay")
    try:
        return redirect(open_page(order))
    except DomainError as refusal:
        messages.error(request, str(refusal.detail))
        return redirect("billing")


@require_safe
@never_cache
@organization_page("billing.view")
def back(request: MemberRequest, order_id: str) -> HttpResponse:
    """Back from the payment page: what came of it. Asks again by itself while the payment is on its way, for ten
    minutes, and Stripe for one: whoever loads the page again begins again."""
    order = selectors.get_order(request.organization, order_id)
    asked = _asked(request)
    is_open = order.state == Order.State.OPEN and order.session_id
    if is_open and asked < ASKS_STRIPE and may_ask_stripe(request, "back"):
        order = _looked_at(order)
    product = catalogue().product_of(order.price)
    waits = _arrives(order, product) or (order.state == Order.State.OPEN and "session" in request.GET)
    waits = waits and asked < FOLLOWED
    title = _("Your order")
    context = page(
        title,
        breadcrumbs=crumbs(title),
        order=order,
        product=product,
        price=words.price_words(product),
        waits=waits,
        asks=f"{request.path}?{urlencode({'session': request.GET.get('session', ''), 'asked': asked + 1})}",
        trial=_trial(order, product) if order.state == Order.State.PAID and not waits else None,
        outcome=outcome_of(order, product) if order.state == Order.State.PAID and not waits else None,
        may_buy=request.may("billing.manage"),
    )
    template = "billing/_order.html" if wants_part(request) else "billing/order.html"
    return render(request, template, context)


def _asked(request: MemberRequest) -> int:
    """How often the page has asked for itself."""
    told = request.GET.get("asked", "")
    return min(int(told), FOLLOWED) if told.isascii() and told.isdecimal() and len(told) < 5 else 0


def _trial(order: Order, product: Product) -> Charge | None:
    """What is charged once the trial is over that an order began."""
    row = None if order.total else _subscription(order.organization, product)
    return next_bill(row) if row is not None and row.status == Subscription.Status.TRIALING else None


def _arrives(order: Order, product: Product) -> bool:
    """Whether it was paid just now, and the subscription that this made is not known here yet."""
    if order.state != Order.State.PAID or not product.is_subscription or order.paid_at is None:
        return False
    return order.paid_at > now() - ARRIVES_WITHIN and _subscription(order.organization, product) is None


def _looked_at(order: Order) -> Order:
    """The order after a look at Stripe: its event may come later than the customer."""
    try:
        if catalogue().product_of(order.price).is_subscription:
            look_at_subscription(order)
        look_now("checkout.session", order.session_id or "", patience=0)
    except StripeUnavailableError:
        return order  # the page asks again
    return selectors.get_order(order.organization, order.public_id)


@form_of("billing")
@organization_page("billing.manage")
def order_cancel(request: MemberRequest, order_id: str) -> HttpResponse:
    """Think better of it: the payment page is closed. What was paid meanwhile stays."""
    ask_stripe_seldom(request, "order_cancel")
    order = selectors.get_order(request.organization, order_id)
    try:
        cancel_page(order)
        if order.session_id:
            look_now("checkout.session", order.session_id)
    except DomainError as refusal:
        messages.error(request, str(refusal.detail))
    return redirect("billing_return", order.public_id)
