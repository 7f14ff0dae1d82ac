"""The API of billing: buying credits, and what is left of them."""

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
from apps.billing.selectors import usable_grants
from apps.billing.services import credits
from apps.billing.services.orders import place_order
from apps.core.brand import current_brand
from apps.core.openapi import IDEMPOTENCY, refusals
from apps.usage.plans import API_CREDITS
from apps.usage.selectors import standing

PRICE = "credits_1000"
ORDER_STATES = [*Order.State.values, "given"]
NOT_BOUGHT = {
    409: "`customer_held`: an invoice is to be paid first, or we look at a payment. `currency_switch`: you pay in "
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

    id = serializers.CharField()
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
        """Order API calls in advance. They are used once the plan's calls are used up, and last a year."""
        form = CreditsWanted(data=request.data)
        form.is_valid(raise_exception=True)
        quantity = form.validated_data["quantity"]
        return self.once(request, lambda: Response(self._order(quantity), status=201))

    def _order(self, quantity: int) -> dict[str, Any]:
        if not self.organization.livemode:
            return self._given(quantity)
        order = place_order(self.actor.user, self.organization, PRICE, quantity=quantity)
        address = reverse("billing_pay", args=[order.public_id])
        return _as_json(order.public_id, order.state, quantity, f"{current_brand().site_url}{address}")

    def _given(self, quantity: int) -> dict[str, Any]:
        """In the sandbox nothing is paid: the credits are there at once."""
        grant = credits.give_in_sandbox(self.organization, _calls(quantity))
        return _as_json(grant.public_id, "given", quantity, None)


class CreditsView(OrganizationAPIView):
    """`/billing/credits`"""

    permission_codes = {"get": "usage.view"}
    is_free = True

    @extend_schema(operation_id="get_credits", tags=["billing"], responses={200: Credits})
    def get(self, _request: Request) -> Response:
        """How many calls are left that were paid for in advance. Asking costs none."""
        grants = [_grant(row) for row in usable_grants(self.organization)[:100]]
        return Response({"remaining": standing(self.organization).credits_left, "grants": grants})


def _as_json(key: str, state: str, quantity: int, address: str | None) -> dict[str, Any]:
    cost = catalogue().price(PRICE).cost(quantity)
    return {
        "id": key,
        "status": state,
        "calls": _calls(quantity),
        "amount": cost.minor,
        "currency": cost.currency,
        "checkout_url": address,
    }


def _calls(quantity: int) -> int:
    return int(catalogue().product_of(PRICE).granted(quantity)[API_CREDITS])


def _grant(row: CreditGrant) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "reason": row.reason,
        "calls": row.units,
        "remaining": row.left,
        "priority": row.priority,
        "expires_at": row.expires_at,
    }
