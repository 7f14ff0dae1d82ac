"""Buying in tests: a fake Stripe behind the real gateway, cards at its payment page, and events when the test says so.

Nothing happens by itself: `shop.deliver()` hands our inbox what happened at Stripe, `shop.work()` does
what workers would.
"""

import copy
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.conf import LazySettings
from django.test import Client

from apps.accounts.models import Organization, User
from apps.billing.models import Order, Payment, PriceAtStripe, Subscription
from apps.billing.services import checkout, orders, overage, refunds, subscriptions
from apps.billing.services.catalogue_sync import sync_catalogue
from apps.core import events
from apps.integrations.inbox import services as inbox
from apps.integrations.stripe import watching
from apps.integrations.stripe.fake import FakeStripe
from apps.integrations.stripe.fake.cards import CARDS
from apps.integrations.stripe.fake.completing import submit

BEGIN = datetime(2027, 3, 12, 9, 30, tzinfo=UTC)
_SOLD = ("product", "price", "coupon", "billing.meter", "billing_portal.configuration")
_pushed: list[Any] = []  # what Stripe has once the catalogue was pushed
_rows: list[dict[str, str]] = []


class Shop:
    """What a test does at Stripe's and at ours."""

    def __init__(self, fake: FakeStripe) -> None:
        self.fake = fake
        self._delivered: set[str] = set()

    @property
    def world(self) -> Any:
        return self.fake.world

    def buy(
        self,
        user: User,
        organization: Organization,
        price: str,
        *,
        quantity: int = 1,
        coupon: str = "",
        card: str = "succeeds",
    ) -> Order:
        """Order, pay, and let everything follow."""
        order = self.pay(orders.place_order(user, organization, price, quantity=quantity, coupon=coupon), card)
        self.settle()
        order.refresh_from_db()
        return order

    def pay(self, order: Order, card: str = "succeeds", *, country: str = "") -> Order:
        """Pay an order at its page, from a country where it matters; nobody is told yet."""
        checkout.open_page(order)
        order.refresh_from_db()
        return self.pay_page(order, card, country=country)

    def pay_page(self, order: Order, card: str = "succeeds", *, country: str = "") -> Order:
        """Pay at the page that is open."""
        with self.world.atomic():
            submit(self.world, self.world.get("checkout.session", order.session_id), CARDS[card], country)
        return order

    def new_events(self) -> list[Any]:
        """What happened at Stripe since the last delivery, the oldest first."""
        found = [event for event in self.world.find("event") if event["id"] not in self._delivered]
        self._delivered |= {event["id"] for event in found}
        return found

    def send(self, event: Any) -> Any:
        """Deliver one event as Stripe does. Returns our answer."""
        body, headers = self.fake.signed(event)
        extra = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
        return Client().post("/webhooks/stripe/", body, content_type="application/json", **extra)

    def deliver(self, arrange: Callable[[list[Any]], list[Any]] = lambda found: found) -> None:
        """Deliver what happened, in the order that `arrange` makes of it."""
        for event in arrange(self.new_events()):
            assert self.send(event).status_code == 200

    def work(self) -> None:
        """What workers do until nothing is left."""
        for _round in range(20):
            done = inbox.handle_due() + watching.look_at_due() + events.deliver_due()
            done += refunds.refund_ordered() + subscriptions.end_ordered() + overage.report_ordered()
            if not done:
                return
        raise AssertionError("there is no end to it")

    def settle(self) -> None:
        """Deliver and work until both sides agree."""
        for _round in range(10):
            found = self.new_events()
            for event in found:
                assert self.send(event).status_code == 200
            self.work()
            if not found:
                return
        raise AssertionError("there is no end to it")

    def subscription(self, organization: Organization, line: str = "api") -> Subscription:
        """The organization's newest subscription of a line."""
        rows = Subscription.objects.for_organization(organization).filter(line=line)
        return rows.order_by("-created_at")[0]

    def payment(self, organization: Organization) -> Payment:
        """The organization's latest payment."""
        return Payment.objects.for_organization(organization).order_by("-paid_at", "-pk")[0]


@pytest.fixture
def clock(db: None, settings: LazySettings) -> Iterator[time_machine.Traveller]:
    """In the middle of a month, for organizations that have the free plan unless they pay for another."""
    settings.API_DEFAULT_PLAN = "sandbox"
    with time_machine.travel(BEGIN, tick=True) as traveller:
        yield traveller


@pytest.fixture
def empty_shop(db: None, settings: LazySettings) -> Iterator[Shop]:
    """A shop at a Stripe of its own, to which nobody has pushed the catalogue yet."""
    with FakeStripe(deliver=False) as fake, patch("apps.core.doorbell.current_app.send_task"):
        settings.STRIPE_API_KEY, settings.STRIPE_API_URL = fake.api_key, fake.url
        settings.STRIPE_WEBHOOK_SECRETS, settings.STRIPE_IS_FAKE = [fake.webhook_secret], True
        yield Shop(fake)


@pytest.fixture
def shop(empty_shop: Shop) -> Shop:
    """A shop that sells what the catalogue has. It is pushed once in each process: fifty requests are half a second."""
    world = empty_shop.world
    if not _pushed:
        sync_catalogue()
        _pushed.extend(copy.deepcopy([one for kind in _SOLD for one in world.find(kind)]))
        _rows.extend(PriceAtStripe.objects.values("code", "stripe_id"))
        with world.atomic():
            for event in world.find("event"):  # as in all later tests, where nothing tells of it
                world.remove(event)
        return empty_shop
    with world.atomic():
        for one in _pushed:
            world.add(copy.deepcopy(one))
    PriceAtStripe.objects.bulk_create(PriceAtStripe(**row) for row in _rows)
    return empty_shop
