"""Test cards: what a payment page offers instead of a field for a number. No real card is ever asked for or kept."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.integrations.stripe.fake.errors import no_such
from apps.integrations.stripe.fake.world import Object, World


@dataclass(frozen=True)
class Card:
    """How a card behaves. `token` is the name that Stripe's own test mode has for such a payment method."""

    code: str
    token: str
    label: str | Promise
    last4: str
    brand: str = "visa"
    decline: str = ""  # why a payment is refused while the customer is there
    decline_later: str = ""  # why it is refused when the customer isn't
    asks: bool = False  # whether the bank wants to hear from the customer first
    disputed: bool = False


CARDS = {
    card.code: card
    for card in (
        Card("succeeds", "pm_card_visa", _("Payment succeeds"), "4242"),
        Card(
            "declined",
            "pm_card_chargeDeclined",
            _("Payment is declined"),
            "0002",
            decline="card_declined",
            decline_later="card_declined",
        ),
        Card(
            "insufficient_funds",
            "pm_card_chargeDeclinedInsufficientFunds",
            _("Declined: insufficient funds"),
            "9995",
            decline="insufficient_funds",
            decline_later="insufficient_funds",
        ),
        Card(
            "three_d_secure",
            "pm_card_authenticationRequiredOnSetup",
            _("Bank asks for authentication (3-D Secure)"),
            "3155",
            "mastercard",
            decline_later="authentication_required",
            asks=True,
        ),
        Card(
            "fails_later",
            "pm_card_chargeCustomerFail",
            _("Succeeds now, fails at the next renewal"),
            "0341",
            decline_later="card_declined",
        ),
        Card("disputed", "pm_card_createDispute", _("Succeeds, then the payment is disputed"), "0259", disputed=True),
    )
}
_EXPIRES = (12, 2034)


def method_of(world: World, card: Card, customer: Object | None = None) -> Object:
    """A payment method with this card, of a customer or of nobody yet."""
    month, year = _EXPIRES
    return world.add(
        {
            "id": world.new_id("pm"),
            "object": "payment_method",
            "allow_redisplay": "unspecified",
            "billing_details": {
                "address": dict((customer or {}).get("address") or NO_ADDRESS),
                "email": (customer or {}).get("email"),
                "name": (customer or {}).get("name"),
                "phone": None,
                "tax_id": None,
            },
            "card": {
                "brand": card.brand,
                "checks": {
                    "address_line1_check": None,
                    "address_postal_code_check": None,
                    "cvc_check": "pass",
                },
                "country": "US",
                "display_brand": card.brand,
                "exp_month": month,
                "exp_year": year,
                "fingerprint": f"test{card.last4}",
                "funding": "credit",
                "generated_from": None,
                "last4": card.last4,
                "networks": {"available": [card.brand], "preferred": None},
                "regulated_status": "unregulated",
                "three_d_secure_usage": {"supported": True},
                "wallet": None,
            },
            "created": world.now(),
            "customer": None,
            "customer_account": None,
            "livemode": False,
            "metadata": {},
            "type": "card",
            "_card": card.code,
            "_authenticated": False,
        }
    )


NO_ADDRESS = {"city": None, "country": None, "line1": None, "line2": None, "postal_code": None, "state": None}


def card_of(method: Object) -> Card:
    """How a payment method behaves."""
    return CARDS[method["_card"]]


def named(world: World, method: str, param: str) -> Object:
    """A payment method by its id, or a new one by the name of a test card."""
    for card in CARDS.values():
        if card.token == method:
            return method_of(world, card)
    if obj := world.known("payment_method", method):
        return obj
    raise no_such("PaymentMethod", method, param)
