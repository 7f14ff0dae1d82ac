"""A shop at the fake Stripe, driven by stripe's own client: plans, seats, usage, and time that passes."""

from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import stripe

from apps.integrations.stripe.fake import FakeStripe
from apps.integrations.stripe.fake.routing import provided

START = datetime(2031, 3, 12, 9, 30, tzinfo=UTC)
APRIL, MAY = (int(datetime(2031, month, 1, tzinfo=UTC).timestamp()) for month in (4, 5))
HOUR, DAY = 3600, 24 * 3600


class Shop:
    """A context: it is 12 March 2031 there, and somebody with a card wants to buy."""

    def __init__(self) -> None:
        self.fake = FakeStripe(deliver=False)

    def __enter__(self) -> "Shop":
        self.fake.__enter__()
        self.stripe = stripe.StripeClient(
            self.fake.api_key, base_addresses={"api": self.fake.url}, max_network_retries=0
        )
        self.world = self.fake.world
        self.advance(int(START.timestamp()))
        self.meter = self.v1.billing.meters.create(
            {"event_name": "calls", "display_name": "Calls", "default_aggregation": {"formula": "sum"}}
        ).id
        for product in ("pro", "seats", "calls", "setup"):
            self.v1.products.create({"id": product, "name": product.title()})
        self.pro = self.price("pro", unit_amount=4900, recurring={"interval": "month"})
        self.big = self.price("pro", unit_amount=9900, recurring={"interval": "month"})
        self.seat = self.price("seats", unit_amount=1200, recurring={"interval": "month"})
        self.calls = self.price("calls", unit_amount_decimal="0.15", recurring=self.metered)
        self.setup = self.price("setup", unit_amount=200_000)
        self.customer = self.v1.customers.create({"email": "ann@example.com", "name": "Ann"}).id
        self.card = self.attach("pm_card_visa")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.fake.__exit__(kind, error, trace)

    @property
    def v1(self) -> Any:
        return self.stripe.v1

    @property
    def metered(self) -> dict[str, str]:
        return {"interval": "month", "usage_type": "metered", "meter": self.meter}

    def price(self, product: str, **more: Any) -> str:
        return str(self.v1.prices.create({"product": product, "currency": "usd", **more}).id)

    def attach(self, card: str) -> str:
        method = self.v1.payment_methods.attach(card, {"customer": self.customer})
        self.v1.customers.update(self.customer, {"invoice_settings": {"default_payment_method": method.id}})
        return str(method.id)

    def advance(self, to: int) -> None:
        self.fake.world.advance(to)

    def now(self) -> int:
        return self.fake.world.now()

    def buy(self, *prices: str, quantity: int = 1, **order: Any) -> str:
        """The id of a subscription, bought as by a checkout."""
        wanted = [{"price": price, "quantity": None if price == self.calls else quantity} for price in prices]
        with self.world.atomic():
            order = {"anchor": APRIL, "payment_method": "", **order}
            return str(
                provided("subscriptions.start")(self.world, customer=self.customer, prices=wanted, **order)["id"]
            )

    def use(self, value: int, *, at: int | None = None, identifier: str = "") -> None:
        payload = {"stripe_customer_id": self.customer, "value": str(value)}
        event: dict[str, Any] = {"event_name": "calls", "payload": payload}
        if at:
            event["timestamp"] = at
        if identifier:
            event["identifier"] = identifier
        self.v1.billing.meter_events.create(event)

    def subscription(self, subscription: str) -> Any:
        return self.v1.subscriptions.retrieve(subscription)

    def invoices(self) -> list[Any]:
        """The latest first."""
        return list(self.v1.invoices.list({"customer": self.customer}).data)

    def events(self) -> list[str]:
        """The oldest first."""
        return [event["type"] for event in self.world.find("event")]

    def change(self, subscription: str, items: list[dict[str, Any]], **more: Any) -> Any:
        """As the real gateway changes one."""
        return self.v1.subscriptions.update(
            subscription,
            {
                "items": items,
                "proration_behavior": "always_invoice",
                "payment_behavior": "error_if_incomplete",
                **more,
            },
        )

    def preview(self, subscription: str, items: list[dict[str, Any]], at: int) -> Any:
        return self.v1.invoices.create_preview(
            {
                "subscription": subscription,
                "subscription_details": {
                    "items": items, "proration_behavior": "always_invoice", "proration_date": at
                },
            }
        )  # fmt: skip
