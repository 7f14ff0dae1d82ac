"""Buying: the order, its way to the payment page, and the way back."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.accounts.requests import MemberRequest
from apps.accounts.web import form_of, organization_page
from apps.billing import selectors
from apps.billing.catalogue import catalogue
from apps.billing.forms import OrderForm
from apps.billing.models import Order
from apps.billing.services import orders
from apps.core.errors import DomainError
from apps.integrations.stripe.errors import StripeUnavailableError
from apps.integrations.stripe.watching import look_now


@form_of("billing")
@organization_page("billing.manage")
def order_create(request: MemberRequest) -> HttpResponse:
    """Order something and go to its payment page."""
    form = OrderForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(str(message) for found in form.errors.values() for message in found))
        return redirect("billing")
    data = form.cleaned_data
    try:
        order = orders.place_order(
            request.user, request.organization, data["price"], quantity=data["quantity"], coupon=data["coupon"]
        )
    except DomainError as refusal:
        messages.error(request, str(refusal.detail))
        return redirect("billing")
    return redirect("billing_pay", order.public_id)


@require_safe
@never_cache
@organization_page("billing.manage")
def pay(request: MemberRequest, order_id: str) -> HttpResponse:
    """To the payment page of an order; one that is paid leads to what came of it."""
    order = selectors.get_order(request.organization, order_id)
    if order.state != Order.State.OPEN:
        return redirect("billing_return", order.public_id)
    try:
        return redirect(orders.open_page(order))
    except DomainError as refusal:
        messages.error(request, str(refusal.detail))
        return redirect("billing")


@require_safe
@never_cache
@organization_page("billing.manage")
def back(request: MemberRequest, order_id: str) -> HttpResponse:
    """Back from the payment page: what came of it. Asks again by itself while the payment is on its way."""
    order = selectors.get_order(request.organization, order_id)
    if order.state == Order.State.OPEN and order.session_id:
        order = _looked_at(order)
    context = {
        "page_title": _("Your order"),
        "order": order,
        "product": catalogue().product_of(order.price),
        "waits": order.state == Order.State.OPEN,
    }
    template = "billing/_order.html" if request.headers.get("HX-Request") else "billing/order.html"
    return render(request, template, context)


def _looked_at(order: Order) -> Order:
    """The order after a look at Stripe: its event may come later than the customer."""
    try:
        look_now("checkout.session", order.session_id or "")
        fresh = selectors.get_order(order.organization, order.public_id)
        if fresh.state == Order.State.PAID and catalogue().product_of(order.price).is_subscription:
            orders.look_at_subscription(fresh)
    except StripeUnavailableError:
        return order  # the page asks again
    return fresh
