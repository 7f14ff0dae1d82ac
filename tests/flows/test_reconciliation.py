"""Reconciling: every kind of difference is found, by its own line alone; of a true story nothing is; and many customers
cost no more queries than few."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from unittest.mock import patch

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.services.members import MEMBERS
from apps.billing.books import at_stripe
from apps.billing.models import (
    CreditGrant,
    Customer,
    Entitlement,
    Invoice,
    Order,
    Payment,
    Refund,
    Subscription,
)
from apps.billing.services import checkout, credits, orders, overage, subscriptions
from apps.billing.services.reconciliation import reconcile
from apps.core.money import Money
from apps.integrations.stripe.connection import stripe
from apps.ledger.models import Account, Side
from apps.ledger.services import Entry, transfer
from apps.usage.limits import set_limits
from apps.usage.services.corrections import correct
from apps.usage.services.staff_limits import change_limits
from tests.common.bills import make_subscription
from tests.common.reconciling import LATER, World, found
from tests.common.roles import actor_of, make_organization, make_user
from tests.common.shopping import BEGIN
from tests.common.usage import call

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
APRIL, MAY = datetime(2027, 4, 1, tzinfo=UTC), datetime(2027, 5, 1, tzinfo=UTC)


@pytest.fixture
def world(shop, owner, organization, clock):
    made = World(shop, owner, organization, clock)
    made.begin()
    return made


# Each kind of difference ----------------------------------------------------------------------------------------------
def an_event_that_never_came(world):
    stripe().update_customer(
        Customer.objects.for_organization(world.organization).get().stripe_id, name="Other", key="renamed"
    )
    world.shop.new_events()
    world.wait(LATER)


def another_amount_at_stripe(world):
    world.at_stripe("payment_intent", world.back.stripe_id, amount_received=world.back.amount + 1)


def a_payment_that_stripe_does_not_list(world):
    moved = world.shop.world.find("balance_transaction", source=world.back.charge)
    for obj in [*moved, world.shop.world.get("payment_intent", world.back.stripe_id)]:
        with world.shop.world.atomic():
            world.shop.world.remove(obj)


def a_fee_that_was_booked_twice(world):
    entry = Entry(
        world.account("fees"), at_stripe("USD"), Money(3, "USD"), "fee", "by hand", world.back.stripe_id
    )  # fmt: skip
    transfer(entry)


def a_refund_that_failed_at_stripe(world):
    world.at_stripe("refund", Refund.objects.get().stripe_id, status="failed")


def a_dispute_that_was_decided(world):
    world.dispute(world.back, won=None)
    [dispute] = world.shop.world.find("dispute")
    world.at_stripe("dispute", dispute["id"], status="under_review")
    world.wait(LATER)


def a_bill_that_is_not_paid_at_stripe(world):
    bill = Invoice.objects.for_organization(world.organization).exclude(subscription=None).get()
    world.at_stripe("invoice", bill.stripe_id, status="open", amount_remaining=bill.total)


def an_old_bill_that_is_still_open_there(world):
    world.wait(timedelta(days=9))
    a_bill_that_is_not_paid_at_stripe(world)


def an_order_that_was_paid(world):
    Order.objects.for_organization(world.organization).filter(price="api_usage_developer_monthly").update(
        state="expired"
    )


def a_subscription_that_ended(world):
    world.at_stripe("subscription", world.subscription.stripe_id, status="canceled")


def a_subscription_that_stripe_never_had(world):
    row = make_subscription(world.organization, "base", suspended=True)
    Subscription.objects.unscoped().filter(pk=row.pk).update(created_at=BEGIN)


def two_of_one_line(world):
    open_orders = [orders.place_order(world.owner, world.organization, "base_monthly", quantity=n) for n in (5, 6)]
    with patch.object(checkout, "_close_others"):  # as if both pages had been open
        for order in open_orders:
            checkout.open_page(order)
    for order in open_orders:
        order.refresh_from_db()
        world.shop.pay_page(order)
    world.shop.settle()
    world.wait(LATER)


def a_payment_for_nothing(world):
    Payment.objects.unscoped().filter(pk=world.back.pk).update(announced=False)


def a_payment_that_was_booked_as_disputed(world):
    entry = Entry(
        world.account("disputes"), at_stripe("USD"), Money(3, "USD"), "dispute", "by hand", world.back.stripe_id
    )  # fmt: skip
    transfer(entry)


def a_bill_with_another_tax(world):
    bill = Invoice.objects.for_organization(world.organization).exclude(subscription=None).get()
    sales = world.account("sales:api_usage_developer", Side.CREDIT)
    transfer(Entry(world.account("tax", Side.CREDIT), sales, Money(3, "USD"), "tax", "by hand", bill.stripe_id))


def money_that_nobody_owes(world):
    owed = Account.objects.unscoped().get(key=f"receivable:{world.organization.public_id}:USD")
    transfer(Entry(owed, world.account("sales:api_pro", Side.CREDIT), Money(7, "USD"), "sale", "by hand"))
    world.wait(LATER)


def money_that_belongs_to_nothing(world):
    sales = world.account("sales:api_pro", Side.CREDIT)
    transfer(Entry(at_stripe("USD"), sales, Money(7, "USD"), "payment", "by hand", "pi_unknown"))
    world.wait(LATER)


def money_of_a_new_kind(world):
    """What is booked under a code that nobody counts is told of, though its payment is known."""
    sales = world.account("sales:api_pro", Side.CREDIT)
    transfer(Entry(at_stripe("USD"), sales, Money(7, "USD"), "rounding", "by hand", world.back.stripe_id))
    world.wait(LATER)


def a_disputes_fee_that_was_booked_twice(world):
    world.dispute(world.back, won=False)
    world.wait(LATER)
    fees = world.account("fees")
    transfer(Entry(fees, at_stripe("USD"), Money(3, "USD"), "dispute:fee", "by hand", world.back.stripe_id))


def another_tax_of_a_refund(world):
    Refund.objects.update(tax=5)


def credit_that_stripe_does_not_know(world):
    Customer.objects.for_organization(world.organization).update(credit=500)


def credit_that_only_stripe_knows(world):
    world.at_stripe("customer", Customer.objects.for_organization(world.organization).get().stripe_id, balance=-500)


def credit_of_a_customer_who_was_deleted(world):
    other = make_organization(make_user("Another"), "Another")
    Customer.objects.create(organization=other, stripe_id="cus_gone", currency="USD", credit=500)


def credits_that_came_back_by_hand(world):
    CreditGrant.objects.for_organization(world.organization).update(used=0)


def given_credits_that_vanished(world):
    grant = credits.give(world.organization, 500, "an outage", MAY)
    CreditGrant.objects.for_organization(world.organization).filter(pk=grant.pk).update(used=500)


def a_seat_that_was_not_given(world):
    world.shop.buy(world.owner, world.organization, "base_monthly", quantity=5)
    world.wait(LATER)
    Entitlement.objects.for_organization(world.organization).filter(feature=MEMBERS).update(value=4)


def a_plan_that_nobody_pays(world):
    set_limits(make_organization(make_user("Free Rider"), "Free"), "enterprise")


def a_plan_that_was_not_given(world):
    other = make_organization(user := make_user("Another"), "Another")
    world.shop.buy(user, other, "api_pro_monthly")
    world.wait(LATER)
    set_limits(other, "sandbox")


def overage_that_was_not_reported(world):
    world.call(5_000)
    world.wait(timedelta(hours=4))


def overage_that_was_never_reported_at_all(world):
    other = make_organization(user := make_user("Another"), "Another")
    world.shop.buy(user, other, "api_usage_developer_monthly")
    call(other, 10_300)
    world.wait(timedelta(hours=4))


def overage_that_is_too_high(world):
    world.wait(timedelta(hours=25))
    correct(world.event, "counted twice")
    overage.settle_all()


def calls_that_only_the_meter_has(world):
    customer = Customer.objects.for_organization(world.organization).get()
    stripe().report_usage("api_overage", customer.stripe_id, 12, identifier="by hand", at=datetime.now(UTC))
    world.wait(LATER)


PLANTED = [
    (an_event_that_never_came, "event"),
    (another_amount_at_stripe, "payment"),
    (a_payment_that_stripe_does_not_list, "payment"),
    (a_fee_that_was_booked_twice, "fee"),
    (a_refund_that_failed_at_stripe, "refund"),
    (a_dispute_that_was_decided, "dispute"),
    (a_bill_that_is_not_paid_at_stripe, "invoice"),
    (an_old_bill_that_is_still_open_there, "invoice"),
    (an_order_that_was_paid, "payment page"),
    (a_subscription_that_ended, "subscription"),
    (a_subscription_that_stripe_never_had, "subscription"),
    (two_of_one_line, "subscriptions of one line"),
    (a_payment_for_nothing, "purpose"),
    (a_payment_that_was_booked_as_disputed, "ledger"),
    (a_bill_with_another_tax, "bill"),
    (money_that_nobody_owes, "receivable, transfer"),
    (money_that_belongs_to_nothing, "transfer"),
    (money_of_a_new_kind, "transfer"),
    (a_disputes_fee_that_was_booked_twice, "dispute"),
    (another_tax_of_a_refund, "ledger"),
    (credit_that_stripe_does_not_know, "credit"),
    (credit_that_only_stripe_knows, "credit"),
    (credit_of_a_customer_who_was_deleted, "credit"),
    (credits_that_came_back_by_hand, "credits"),
    (given_credits_that_vanished, "credits used"),
    (a_seat_that_was_not_given, "entitlement"),
    (a_plan_that_nobody_pays, "plan"),
    (a_plan_that_was_not_given, "plan"),
    (overage_that_was_not_reported, "overage"),
    (overage_that_was_never_reported_at_all, "overage"),
    (overage_that_is_too_high, "overage"),
    (calls_that_only_the_meter_has, "meter"),
]


@pytest.mark.parametrize(("plant", "kind"), PLANTED, ids=[plant.__name__ for plant, _kind in PLANTED])
def test_each_difference_is_one_line(world, plant, kind):
    assert found() == []
    plant(world)
    lines = list(reconcile().lines.all())
    assert ", ".join(line.kind for line in lines) == kind, [str(line) for line in lines]


def test_what_is_looked_at_again_agrees(world):
    Invoice.objects.for_organization(world.organization).exclude(subscription=None).update(status="open", total=5)
    Entitlement.objects.for_organization(world.organization).filter(feature="api.plan").delete()
    assert set(found()) == {"invoice", "bill", "entitlement", "plan"}
    world.shop.work()
    assert found() == []


def test_what_staff_agreed_on_is_no_difference(world):
    other = make_organization(make_user("Partner"), "Partner")
    change_limits(other, "enterprise", calls=None, per_minute=None)
    change_limits(world.organization, "usage_professional", calls=None, per_minute=None)
    assert "plan" not in found()


# Nothing, and for how much --------------------------------------------------------------------------------------------
def test_nothing_is_found_after_a_true_story(shop, owner, organization, clock):
    world, actor = World(shop, owner, organization, clock), actor_of(owner, organization)
    world.begin()
    assert found() == []
    credits.give(organization, 300, "an outage", MAY)
    world.buy("credits_1000", 3)
    world.dispute(shop.payment(organization), won=True)
    world.buy("credits_1000", 4)
    world.dispute(shop.payment(organization), won=False)
    world.call(1_000)
    world.count()
    world.wait(LATER)
    assert found() == []
    clock.move_to(APRIL + timedelta(minutes=5))
    world.count()
    for hours in (2, 30):
        clock.move_to(APRIL + timedelta(hours=hours))
        shop.world.catch_up()
        shop.settle()
        assert found() == [], "the renewal"
    offer = subscriptions.offer_change(world.subscription, "api_enterprise_monthly", 1)
    subscriptions.change(
        actor, world.subscription, "api_enterprise_monthly", 1, at=offer.at, period_end=world.subscription.period_end
    )
    shop.settle()
    world.wait(LATER)
    assert found() == [], "a larger plan"
    offer = subscriptions.offer_change(world.subscription, "api_pro_monthly", 1)
    subscriptions.change(
        actor, world.subscription, "api_pro_monthly", 1, at=offer.at, period_end=world.subscription.period_end
    )
    shop.settle()
    world.wait(LATER)
    assert found() == [], "a smaller plan, and something ahead"
    subscriptions.cancel(actor, world.subscription)
    clock.move_to(MAY + timedelta(hours=2))
    shop.world.catch_up()
    shop.settle()
    world.wait(LATER)
    assert world.subscription.is_over
    out = StringIO()
    call_command("reconcile", stdout=out)
    assert "0 differences" in out.getvalue()


def test_many_customers_cost_no_more_than_few(shop, clock):
    """Queries are as many; requests are as many but for further pages of lists, and the meter of each customer."""
    costs = []
    for count in (3, 27):
        for _number in range(count):
            organization = make_organization(user := make_user(), "Many")
            shop.buy(user, organization, "api_usage_developer_monthly")
            call(organization, 10_500)
        overage.count_all()
        shop.settle()
        clock.shift(LATER)
        assert found() == []
        shop.fake.requests.clear()
        with CaptureQueriesContext(connection) as queries:
            assert not reconcile().lines.exists()
        asked = [one for one in shop.fake.requests if "starting_after" not in one.params]
        meters = [one for one in asked if one.path.endswith("event_summaries")]
        costs.append((len(queries), len(asked) - len(meters), len(meters)))
    (few_queries, few_lists, few_meters), (many_queries, many_lists, many_meters) = costs
    assert many_queries <= few_queries + 2, "a second batch of events, perhaps"
    assert (few_lists, few_meters) == (many_lists, 3)
    assert many_meters == 30
