"""Who is at the other end of the gateway: the fake or, with STRIPE_TEST_KEY, Stripe's own test mode.

What only a person does on Stripe's pages, paying, is done on the fake's pages here, and at Stripe through parts of its
API that the platform itself does not use.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import stripe

from apps.core.clock import now
from apps.integrations.stripe.fake import FakeStripe, disputes
from apps.integrations.stripe.gateway import StripeGateway
from apps.integrations.stripe.objects import CheckoutSession
from apps.integrations.stripe.port import CheckoutOrder, Wanted
from tests.common.stripe_pages import Browser

RUN = uuid.uuid4().hex[:10]  # in a test account things stay: each run has its own
PATIENCE = 60  # seconds: Stripe does some things a little later
# Cards by what the fake's page calls them, and by what they are called in Stripe's test mode.
VISA, FAILS_LATER, DISPUTED = "succeeds", "fails_later", "disputed"
AT_STRIPE = {VISA: "pm_card_visa", FAILS_LATER: "pm_card_chargeCustomerFail", DISPUTED: "pm_card_createDispute"}


@dataclass(frozen=True)
class Shop:
    """What is on sale: prices by their ids, and a meter."""

    once: str
    monthly: str
    bigger: str
    by_use: str
    meter: str
    coupon: str


class FarEnd(Protocol):
    """What tests do besides asking the gateway."""

    gateway: StripeGateway
    client: stripe.StripeClient

    def pay_once(self, customer: str, price: str, amount: int, card: str = VISA) -> str:
        """The customer pays; returns the payment's id."""
        ...

    def subscribe(self, customer: str, wanted: Sequence[Wanted]) -> str:
        """The customer subscribes, with a card that stays on file; returns the subscription's id."""
        ...


def key() -> str:
    """For a write that is not repeated."""
    return uuid.uuid4().hex


def in_a_while() -> datetime:
    """When a payment page ends: at least half an hour from now."""
    return now() + timedelta(hours=1)


def order(mode: str, customer: str, *wanted: Wanted, **more: Any) -> CheckoutOrder:
    """A usual order."""
    usual: dict[str, Any] = {
        "reference": "ref_1",
        "success_url": "https://levqor.example/done?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://levqor.example/pricing",
        "expires_at": in_a_while(),
    }
    return CheckoutOrder(mode=mode, customer=customer, wanted=wanted, **{**usual, **more})


class AtTheFake:
    """The fake, in this process."""

    def __init__(self, fake: FakeStripe) -> None:
        self.fake = fake
        self.gateway = StripeGateway(fake.api_key, fake.url)
        self.client = stripe.StripeClient(fake.api_key, base_addresses={"api": fake.url}, max_network_retries=0)
        self._pages = 0

    def pay_page(self, address: str, card: str = VISA, country: str = "") -> None:
        """Do on a payment page what a customer does there."""
        tab = Browser().open(address)
        if country:
            tab.press("Update total", country=country)
        form = next(form for form in tab.forms if "card" in form.choices)
        button = next(words for words in form.buttons if words != "Update total")
        tab.press(button, card=card)
        assert tab.address.startswith("https://levqor.example/done"), tab.text

    def pay_once(self, customer: str, price: str, amount: int, card: str = VISA) -> str:
        """Through a payment page."""
        session = self._open(order("payment", customer, Wanted(price)))
        self.pay_page(session.url, card)
        return self.client.v1.checkout.sessions.retrieve(session.id).payment_intent  # type: ignore[return-value]

    def subscribe(self, customer: str, wanted: Sequence[Wanted]) -> str:
        """Through a payment page."""
        session = self._open(order("subscription", customer, *wanted))
        self.pay_page(session.url)
        return self.client.v1.checkout.sessions.retrieve(session.id).subscription  # type: ignore[return-value]

    def _open(self, wanted: CheckoutOrder) -> CheckoutSession:
        self._pages += 1
        return self.gateway.open_checkout(wanted, key=f"page-{self._pages}")

    def dispute(self, payment: str) -> str:
        """The payer's bank takes a payment back."""
        world = self.fake.world
        with world.atomic():
            charge = world.find("charge", payment_intent=payment)[0]
            return str(disputes.open_dispute(world, charge)["id"])

    def decide_dispute(self, dispute: str, *, won: bool) -> None:
        """The bank decides."""
        world = self.fake.world
        with world.atomic():
            disputes.close_dispute(world, world.get("dispute", dispute), won=won)


class AtStripe:
    """Stripe's test mode, with a key of one's own."""

    def __init__(self, key: str) -> None:
        self.gateway = StripeGateway(key)
        self.client = stripe.StripeClient(key, max_network_retries=2)

    def pay_once(self, customer: str, price: str, amount: int, card: str = VISA) -> str:
        """A payment that is confirmed at once."""
        return self.client.v1.payment_intents.create(
            {
                "customer": customer,
                "amount": amount,
                "currency": "usd",
                "payment_method": AT_STRIPE[card],
                "confirm": True,
                "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            }
        ).id

    def subscribe(self, customer: str, wanted: Sequence[Wanted]) -> str:
        """A subscription without a page."""
        self.client.v1.payment_methods.attach(AT_STRIPE[VISA], {"customer": customer})
        card = self.client.v1.customers.payment_methods.list(customer).data[0].id
        self.client.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": card}})
        items: list[Any] = [
            {"price": each.price} if each.quantity is None else {"price": each.price, "quantity": each.quantity}
            for each in wanted
        ]
        return self.client.v1.subscriptions.create({"customer": customer, "items": items}).id
