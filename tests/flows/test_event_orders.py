"""Stripe's events in any order, several times, days late and in between: the end is the same."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from apps.billing.models import CreditGrant, Customer, Dispute, Invoice, Order, Payment, Refund
from apps.billing.services import orders
from apps.core.clock import now
from apps.core.entitlements import entitlement
from apps.core.models import DomainEvent
from apps.integrations.models import ExternalEvent, StripeObject
from apps.integrations.stripe.connection import stripe
from apps.integrations.stripe.fake.disputes import close_dispute, open_dispute
from apps.ledger.models import Account, Transfer
from apps.ledger.selectors import differences
from apps.usage.limits import limits_of
from apps.usage.plans import API_PLAN

pytestmark = pytest.mark.django_db
BEGIN = datetime(2027, 3, 12, 9, 30, tzinfo=UTC)
LATER = BEGIN + timedelta(days=3)


@pytest.fixture(autouse=True)
def _in_the_middle_of_a_month(db):
    """The first part of a month costs as many days as are left of it."""
    with time_machine.travel(BEGIN, tick=True):
        yield


class Story:
    """What happens at Stripe: a plan and credits are bought, some money goes back, a dispute is lost and one is won."""

    def __init__(self, shop, owner, organization, country=""):
        self.shop, self.owner, self.organization, self.country = shop, owner, organization, country
        self.orders = {}

    def steps(self) -> list[Callable[[], object]]:
        return [
            lambda: self.buy("api_pro_monthly"),
            lambda: self.buy("credits_1000", 4),
            lambda: stripe().refund(self.intent("credits_1000"), amount=500, reason="", metadata={}, key="first"),
            lambda: self.dispute("won"),
            lambda: self.buy("credits_1000", 2),
            lambda: self.dispute("lost"),
            lambda: stripe().refund(self.intent("credits_1000"), amount=500, reason="", metadata={}, key="second"),
        ]

    def buy(self, price: str, quantity: int = 1) -> None:
        key = f"{price}:{quantity}" if price in self.orders else price
        Customer.objects.unscoped().update(held_because="")  # staff looked at the dispute
        order = orders.place_order(self.owner, self.organization, price, quantity=quantity)
        self.orders[key] = self.shop.pay(order, country=self.country)

    def intent(self, key: str) -> str:
        session = self.shop.world.get("checkout.session", self.orders[key].session_id)
        return session["payment_intent"]

    def dispute(self, outcome: str) -> None:
        """Of the plan's payment it is won, of the second credits' it is lost."""
        world = self.shop.world
        if outcome == "won":
            [charge] = [one for one in world.find("charge") if one["payment_intent"] != self.intent("credits_1000")]
        else:
            [charge] = world.find("charge", payment_intent=self.intent("credits_1000:2"))
        with world.atomic():
            dispute = open_dispute(world, charge)
            close_dispute(world, dispute, won=outcome == "won")


def accounts() -> dict[str, int]:
    """The balances, by what the accounts are for."""
    rows = Account.objects.unscoped()
    return {
        row.key.split(":")[0] + (":" + row.key.split(":")[1] if row.key.startswith("sales") else ""): row.balance.minor
        for row in rows
    }


def check_the_end(organization, plan_paid: int) -> None:
    """Everything as it has to be, whatever order it came in."""
    assert entitlement(organization.pk, API_PLAN) == "pro", "its dispute was won"
    assert limits_of(organization).quota == 10_000
    payments = {row.amount: row for row in Payment.objects.for_organization(organization)}
    assert {amount: (row.refunded, row.disputed) for amount, row in payments.items()} == {
        plan_paid: (0, 0), 2_000: (1_000, 0), 1_000: (0, 1_000)
    }  # fmt: skip
    states = {
        row.quantity: row.state for row in Order.objects.for_organization(organization).filter(price="credits_1000")
    }
    assert states == {4: Order.State.PAID, 2: Order.State.REVERSED}
    grants = {row.units: (row.withdrawn, row.left) for row in CreditGrant.objects.for_organization(organization)}
    assert grants == {4_000: (2_000, 2_000), 2_000: (2_000, 0)}
    assert limits_of(organization).credits == 2_000
    assert sorted(Refund.objects.values_list("amount", "state")) == [(500, "succeeded")] * 2
    assert dict(Dispute.objects.values_list("amount", "status")) == {1_000: "lost", plan_paid: "won"}
    found = accounts()
    fees = sum(Transfer.objects.filter(debit__key="fees:USD").values_list("amount", flat=True))
    assert found["receivable"] == 0
    assert found["credits"] == 1_000
    assert found["refunds"] == 1_000 - 2_000 + 0, "what went back, less the credits that are not owed any more"
    assert found["disputes"] == 1_000
    assert found["sales:api_pro"] == plan_paid
    assert found["stripe"] == plan_paid + 3_000 - 1_000 - 1_000 - fees
    assert not differences()
    names = list(DomainEvent.objects.values_list("name", flat=True))
    assert names.count("payment_succeeded") == 3
    assert names.count("credits_granted") == 2
    assert names.count("dispute_opened") == names.count("dispute_closed") == 2
    assert not ExternalEvent.objects.exclude(state="handled").exists()
    assert not StripeObject.objects.exclude(state="seen").exists()


@pytest.mark.parametrize("seed", range(8))
def test_any_order_ends_the_same(shop, owner, organization, seed):
    """Events come shuffled and three times, some between what happens at Stripe, most after all of it."""
    chance = random.Random(seed)
    story, pending = Story(shop, owner, organization), []
    for step in story.steps():
        step()
        pending += shop.new_events()
        early = [event for event in pending if chance.random() < 0.3]
        chance.shuffle(early)
        for event in early:
            assert shop.send(event).status_code == 200
        if chance.random() < 0.5:
            shop.work()
    everything = pending * 3
    chance.shuffle(everything)
    for event in everything:
        assert shop.send(event).status_code == 200
        if chance.random() < 0.1:
            shop.work()
    finish(shop)
    check_the_end(organization, plan_paid(shop, story))


@pytest.mark.parametrize("seed", range(8))
def test_any_order_ends_the_same_with_tax(shop, owner, organization, settings, seed):
    """What goes back takes its tax with it, also where it is told of before what was paid for."""
    settings.STRIPE_TAX = True
    chance = random.Random(seed)
    story, pending = Story(shop, owner, organization, country="GB"), []
    for step in story.steps():
        step()
        pending += shop.new_events()
        early = [event for event in pending if chance.random() < 0.3]
        chance.shuffle(early)
        for event in early:
            assert shop.send(event).status_code == 200
        if chance.random() < 0.5:
            shop.work()
    everything = pending * 2
    chance.shuffle(everything)
    for event in everything:
        assert shop.send(event).status_code == 200
        if chance.random() < 0.1:
            shop.work()
    finish(shop)
    credits = Order.objects.for_organization(organization).filter(price="credits_1000")
    taxed = sum(credits.values_list("tax", flat=True))
    [plan] = Invoice.objects.for_organization(organization).filter(order=None)
    assert (taxed, plan.tax > 0) == (400 + 200, True)
    assert dict(Refund.objects.values_list("amount", "tax")) == {500: 83}, "400 × 500 / 2,400"
    found = accounts()
    assert found["tax"] == plan.tax + 600 - 2 * 83
    assert found["receivable"] == 0
    assert found["refunds"] == 2 * (500 - 83) - credits_withdrawn(organization)
    assert not differences()
    assert not StripeObject.objects.exclude(state="seen").exists()


def credits_withdrawn(organization) -> int:
    rows = Transfer.objects.filter(code="credits:withdrawn", debit__organization=organization)
    return sum(rows.values_list("amount", flat=True))


def test_three_days_late(shop, owner, organization):
    """Stripe tries for three days. What it says then is signed anew."""
    story = Story(shop, owner, organization)
    for step in story.steps():
        step()
    late = shop.new_events()
    with time_machine.travel(LATER, tick=True):
        for event in reversed(late):
            assert shop.send(event).status_code == 200
        finish(shop)
        check_the_end(organization, plan_paid(shop, story))


def test_replayed_months_later(shop, owner, organization):
    story = Story(shop, owner, organization)
    for step in story.steps():
        step()
        shop.settle()
    ExternalEvent.objects.update(state="received", due_at=now())
    StripeObject.objects.update(state="waiting", due_at=now())
    finish(shop)
    check_the_end(organization, plan_paid(shop, story))


def finish(shop) -> None:
    """Work until nothing waits, also what was put off for something that it needs first."""
    for _round in range(12):
        shop.work()
        if not StripeObject.objects.filter(state="waiting").exists():
            return
        StripeObject.objects.filter(state="waiting").update(due_at=now())
    raise AssertionError(list(StripeObject.objects.filter(state="waiting").values_list("kind", "last_error")))


def plan_paid(shop, story) -> int:
    [amount] = {one["amount"] for one in shop.world.find("charge")} - {1_000, 2_000}
    return amount
