"""The API of billing: buying credits, what became of an order, and what is left of credits."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api_base import OrganizationAPIView
from apps.billing.catalogue import catalogue
from apps.billing.models import CreditGrant, Order
from apps.billing.selectors import get_order, get_sandbox_order, usable_grants
from apps.billing.services import credits
from apps.billing.services.orders import place_order
from apps.core.brand import current_brand
from apps.core.openapi import IDEMPOTENCY, refusals
from apps.usage.plans import API_CREDITS
from apps.usage.selectors import standing

PRICE = "credits_1000"
GIVEN = "given"
ORDER_STATES = [*Order.State.values, GIVEN]
NOT_BOUGHT = {
    409: "`customer_held`: an invoice is to be paid first, or purchases are on hold. `currency_switch`: you pay in "
    "another currency. `not_on_sale`: credits are not sold now. `idempotency_key_in_use`: the first request with this "
    "`Idempotency-Key` is still under way.",
    422: "`invalid_input`: the quantity does not fit; `errors`, where present, says where. `limit_exceeded`: too many "
    "orders are open. `idempotency_key_reused`, `invalid_idempotency_key`: see `Idempotency-Key`.",
    503: "`payments_not_set_up`: this installation sells nothing yet, so no order was made.",
}


class CreditsWanted(serializers.Serializer[Any]):
    """How many credits to buy."""

    quantity = serializers.IntegerField(
        min_value=1, max_value=1_000, help_text=_("Thousands of calls: 5 buys 5,000 calls.")
    )


class CreditsOrder(serializers.Serializer[Any]):
    """An order of credits. Open it in a browser to pay; the credits are there as soon as it is paid."""

    id = serializers.CharField(help_text=_("`GET /billing/orders/{order_id}` tells what became of it."))
    status = serializers.ChoiceField(ORDER_STATES)
    calls = serializers.IntegerField()
    amount = serializers.IntegerField(help_text=_("What it costs before tax, in minor units of the currency."))
    currency = serializers.CharField()
    checkout_url = serializers.URLField(
        allow_null=True, help_text=_("Where to pay. Null in the sandbox, where credits cost nothing.")
    )


class CreditGrantAnswer(serializers.Serializer[Any]):
    """Calls that were paid for, or given, in advance."""

    id = serializers.CharField()
    reason = serializers.CharField()
    calls = serializers.IntegerField()
    remaining = serializers.IntegerField()
    priority = serializers.IntegerField(help_text=_("The lowest number is used first."))
    expires_at = serializers.DateTimeField()


class OrderAnswer(serializers.Serializer[Any]):
    """What was ordered, and what became of it.

    `reversed`: its payment went back. `given`: in the sandbox, where nothing is paid.
    """

    id = serializers.CharField()
    status = serializers.ChoiceField(ORDER_STATES)
    product = serializers.CharField()
    price = serializers.CharField()
    quantity = serializers.IntegerField()
    calls = serializers.IntegerField(
        allow_null=True, help_text=_("How many calls that is; null for what is no credits.")
    )
    amount = serializers.IntegerField(
        help_text=_("What it costs before discounts and tax, in minor units of the currency.")
    )
    total = serializers.IntegerField(allow_null=True, help_text=_("What was paid, with tax. Null until then."))
    tax = serializers.IntegerField(allow_null=True, help_text=_("The tax in it."))
    currency = serializers.CharField()
    checkout_url = serializers.URLField(allow_null=True, help_text=_("Where to pay, while the order is open."))
    credits = CreditGrantAnswer(
        allow_null=True, help_text=_("The credits that it gave, and what is left of them. Null until it is paid.")
    )
    created_at = serializers.DateTimeField()
    paid_at = serializers.DateTimeField(allow_null=True)


class Credits(serializers.Serializer[Any]):
    """What is left of credits: up to this moment, and by grant as it was settled last (every minute)."""

    remaining = serializers.IntegerField()
    grants = CreditGrantAnswer(many=True)


class PurchaseCreditsView(OrganizationAPIView):
    """`/billing/purchase-credits`"""

    permission_codes = {"post": "billing.manage"}
    is_free = True

    @extend_schema(
        operation_id="purchase_credits",
        tags=["billing"],
        parameters=[IDEMPOTENCY],
        request=CreditsWanted,
        responses={201: CreditsOrder, **refusals(NOT_BOUGHT)},
    )
    def post(self, request: Request) -> Response:
        """Order API calls in advance. They are used once the plan's calls are used up, and last a year.

        The same quantity is the same order while it is open.
        """
        form = CreditsWanted(data=request.data)
        form.is_valid(raise_exception=True)
        quantity = form.validated_data["quantity"]
        return self.once(request, lambda: Response(self._place(quantity), status=201))

    def _place(self, quantity: int) -> dict[str, Any]:
        if self.organization.livemode:
            return _ordered(place_order(self.actor.user, self.organization, PRICE, quantity=quantity))
        grant = credits.give_in_sandbox(self.organization, _calls(PRICE, quantity) or 0)
        return {"id": grant.public_id, "status": GIVEN, **_wish(PRICE, quantity), "checkout_url": None}


class OrderView(OrganizationAPIView):
    """`/billing/orders/{order_id}`"""

    permission_codes = {"get": "billing.manage"}  # who ordered asks
    is_free = True

    @extend_schema(operation_id="get_order", tags=["billing"], responses={200: OrderAnswer})
    def get(self, _request: Request, order_id: str) -> Response:
        """What became of an order: ask again until it is no longer open. Asking costs no call.

        In the sandbox, where all credits of a day are one grant, that is what its orders of the day came to.
        """
        if self.organization.livemode:
            return Response(_order(get_order(self.organization, order_id)))
        return Response(_given(get_sandbox_order(self.organization, order_id)))


class CreditsView(OrganizationAPIView):
    """`/billing/credits`"""

    permission_codes = {"get": "usage.view"}
    is_free = True

    @extend_schema(operation_id="get_credits", tags=["billing"], responses={200: Credits})
    def get(self, _request: Request) -> Response:
        """How many calls are left that were paid for in advance. Asking costs none."""
        grants = [_grant(row) for row in usable_grants(self.organization)[:100]]
        return Response({"remaining": standing(self.organization).credits_left, "grants": grants})


def _wish(price: str, quantity: int) -> dict[str, Any]:
    cost = catalogue().price(price).cost(quantity)
    return {"calls": _calls(price, quantity), "amount": cost.minor, "currency": cost.currency}


def _calls(price: str, quantity: int) -> int | None:
    calls = catalogue().product_of(price).granted(quantity).get(API_CREDITS)
    return None if calls is None else int(calls)


def _ordered(order: Order) -> dict[str, Any]:
    address = f"{current_brand().site_url}{reverse('billing_pay', args=[order.public_id])}"
    return {
        "id": order.public_id,
        "status": order.state,
        **_wish(order.price, order.quantity),
        "checkout_url": address if order.state == Order.State.OPEN else None,
    }


def _order(order: Order) -> dict[str, Any]:
    grant = getattr(order, "grant", None)
    return {
        **_ordered(order),
        "product": catalogue().product_of(order.price).code,
        "price": order.price,
        "quantity": order.quantity,
        "total": None if order.paid_at is None else order.total,
        "tax": None if order.paid_at is None else order.tax,
        "credits": None if grant is None else _grant(grant),
        "created_at": order.created_at,
        "paid_at": order.paid_at,
    }


def _given(grant: CreditGrant) -> dict[str, Any]:
    quantity = grant.units // (_calls(PRICE, 1) or 1)
    return {
        "id": grant.public_id,
        "status": GIVEN,
        **_wish(PRICE, quantity),
        "checkout_url": None,
        "product": catalogue().product_of(PRICE).code,
        "price": PRICE,
        "quantity": quantity,
        "total": None,
        "tax": None,
        "credits": _grant(grant),
        "created_at": grant.created_at,
        "paid_at": None,
    }


def _grant(row: CreditGrant) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "reason": row.reason,
        "calls": row.units,
        "remaining": row.left,
        "priority": row.priority,
        "expires_at": row.expires_at,
    }
