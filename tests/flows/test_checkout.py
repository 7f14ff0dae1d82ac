"""Payment pages: one for what must not be paid twice, good for as long as they say, and only ours count."""

from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest

from apps.billing.errors import AlreadySubscribedError, CouponRefusedError, CustomerHeldError
from apps.billing.models import CreditGrant, Order, Subscription
from apps.billing.services import checkout, customers, holds, orders, subscriptions
from apps.billing.tasks import settle
from apps.core.errors import ConflictError, LimitExceededError
from apps.integrations.stripe import objects
from apps.integrations.stripe.connection import stripe
from apps.integrations.stripe.fake.cards import CARDS
from apps.integrations.stripe.fake.completing import submit
from apps.integrations.stripe.gateway import StripeGateway
from tests.common.roles import actor_of
from tests.common.shopping import BEGIN

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def opened(user, organization, price, **more):
    order = orders.place_order(user, organization, price, **more)
    checkout.open_page(order)
    order.refresh_from_db()
    return order


def pay(shop, order):
    with shop.world.atomic():
        submit(shop.world, shop.world.get("checkout.session", order.session_id), CARDS["succeeds"])


def test_two_plans_of_a_line_have_one_page(shop, owner, organization):
    first = opened(owner, organization, "api_usage_developer_monthly")
    second = opened(owner, organization, "api_pro_monthly")
    assert shop.world.get("checkout.session", first.session_id)["status"] == "expired"
    pay(shop, second)
    shop.settle()
    assert Subscription.objects.for_organization(organization).count() == 1
    first.refresh_from_db()
    assert first.state == Order.State.EXPIRED
    with pytest.raises(AlreadySubscribedError):
        orders.place_order(owner, organization, "api_usage_developer_monthly")


def test_a_coupon_has_one_page(shop, owner, organization):
    first = opened(owner, organization, "base_monthly", coupon="launch50")
    second = opened(owner, organization, "api_pro_monthly", coupon="launch50")
    assert shop.world.get("checkout.session", first.session_id)["status"] == "expired"
    pay(shop, second)
    shop.settle()
    with pytest.raises(CouponRefusedError):
        orders.place_order(owner, organization, "base_monthly", coupon="launch50")


def test_a_coupon_that_was_used_meanwhile_opens_no_page(shop, owner, organization):
    late = orders.place_order(owner, organization, "base_monthly", coupon="launch50")
    shop.buy(owner, organization, "api_pro_monthly", coupon="launch50")
    late.refresh_from_db()
    if late.state == Order.State.OPEN:
        with pytest.raises(CouponRefusedError):
            checkout.open_page(late)
    assert late.session_id is None


def test_an_order_is_paid_a_week_later(shop, owner, organization, clock):
    order = orders.place_order(owner, organization, "credits_1000", quantity=3)
    clock.shift(timedelta(days=6))
    shop.world.catch_up()
    shop.pay(order)
    shop.settle()
    assert CreditGrant.objects.for_organization(organization).get().units == 3_000


def test_a_page_that_ended_is_followed_by_another(shop, owner, organization, clock):
    order = opened(owner, organization, "credits_1000")
    first = order.session_id
    clock.shift(timedelta(hours=24))
    shop.world.catch_up()
    checkout.open_page(order)
    order.refresh_from_db()
    assert order.session_id != first
    pay(shop, order)
    shop.settle()
    order.refresh_from_db()
    assert order.state == Order.State.PAID


def test_killed_while_it_was_opened_it_is_the_same_page(shop, owner, organization):
    order = opened(owner, organization, "credits_1000")
    first = order.session_id
    Order.objects.for_organization(organization).update(session_id=None)
    order.refresh_from_db()
    checkout.open_page(order)
    order.refresh_from_db()
    assert order.session_id == first
    assert len(shop.world.find("checkout.session")) == 1


def test_orders_that_nobody_pays_end(shop, owner, organization, clock):
    unvisited = orders.place_order(owner, organization, "credits_1000")
    visited = opened(owner, organization, "credits_1000", quantity=2)
    clock.shift(timedelta(days=8))
    shop.world.catch_up()
    assert checkout.expire_orders() == 1
    shop.settle()
    for order in (unvisited, visited):
        order.refresh_from_db()
        assert order.state == Order.State.EXPIRED


def test_so_many_orders_are_open(owner, organization):
    for quantity in range(1, orders.MOST_OPEN + 1):
        orders.place_order(owner, organization, "credits_1000", quantity=quantity)
    with pytest.raises(LimitExceededError):
        orders.place_order(owner, organization, "credits_1000", quantity=999)
    orders.place_order(owner, organization, "credits_1000", quantity=1)


@pytest.mark.parametrize("changed", [{"customer": "cus_other"}, {"metadata": {}}, {"currency": "EUR"}])
def test_another_page_with_our_reference_gives_nothing(shop, owner, organization, changed):
    order = opened(owner, organization, "credits_1000", quantity=1_000)
    pay(shop, order)
    seen = stripe().fetch("checkout.session", order.session_id)
    assert isinstance(seen, objects.CheckoutSession)
    orders.apply(objects.CheckoutSession(**{**seen.__dict__, **changed}))
    order.refresh_from_db()
    assert order.state == Order.State.OPEN
    assert not CreditGrant.objects.for_organization(organization).exists()


@pytest.mark.parametrize("reference", ["order_nonsense", "order_", "order_²"])
def test_another_page_with_a_reference_that_is_none(organization, reference):
    page = objects.CheckoutSession(
        "cs_x", "", "complete", "paid", "payment", "cus_x", "", "pi_x", reference, 5, 0, "USD", BEGIN, {}
    )
    orders.apply(page)
    assert not CreditGrant.objects.for_organization(organization).exists()


@pytest.mark.parametrize(("day", "coupon", "cost"), [(31, "", 1_900), (30, "launch50", 950)])
def test_a_plan_of_a_months_last_days_is_paid_for_a_month(shop, owner, organization, clock, day, coupon, cost):
    """What is left of the month would cost less than can be charged."""
    clock.move_to(datetime(2027, 3, day, 12, tzinfo=UTC))
    shop.world.catch_up()
    shop.buy(owner, organization, "api_pro_monthly", coupon=coupon)
    assert shop.payment(organization).amount == cost
    assert shop.subscription(organization).period_end == datetime(2027, 4, 30, 12, tzinfo=UTC)


def test_a_plan_by_usage_whose_rest_of_the_month_is_too_little_is_bought_on_the_first(shop, owner, organization, clock):
    clock.move_to(datetime(2027, 3, 31, 20, tzinfo=UTC))
    shop.world.catch_up()
    order = orders.place_order(owner, organization, "api_usage_developer_monthly")
    with pytest.raises(ConflictError, match="from 1 April on"):
        checkout.open_page(order)
    clock.move_to(datetime(2027, 4, 1, 0, 30, tzinfo=UTC))
    shop.world.catch_up()
    shop.buy(owner, organization, "api_usage_developer_monthly")
    order.refresh_from_db()
    assert order.state == Order.State.PAID


def test_canceled_resumed_and_canceled_in_a_moment(shop, owner, organization):
    shop.buy(owner, organization, "api_pro_monthly")
    actor = actor_of(owner, organization)
    for act in (subscriptions.cancel, subscriptions.resume, subscriptions.cancel):
        act(actor, shop.subscription(organization))
    assert shop.subscription(organization).cancel_at is not None
    assert shop.world.find("subscription")[0]["cancel_at_period_end"]


def test_who_has_an_unpaid_bill_buys_nothing(shop, owner, organization, clock):
    shop.buy(owner, organization, "api_usage_developer_monthly", card="fails_later")
    clock.move_to(datetime(2027, 4, 1, 1, 5, tzinfo=UTC))
    shop.world.catch_up()
    shop.settle()
    with pytest.raises(CustomerHeldError, match="could not be paid"):
        orders.place_order(owner, organization, "base_monthly")


def test_who_is_held_pays_at_no_page_that_was_open(shop, owner, organization):
    order = opened(owner, organization, "credits_1000")
    holds.hold(customers.customer_of(organization), "a dispute")
    settle()
    assert shop.world.get("checkout.session", order.session_id)["status"] == "expired"
    order.refresh_from_db()
    assert order.state == Order.State.EXPIRED


# Two at once ----------------------------------------------------------------------------------------------------------
def while_opened(order, meanwhile):
    """Open a page of an order. What happens meanwhile happens while Stripe makes it."""
    real, begun = StripeGateway.open_checkout, []

    def slow(gateway, wanted, *, key):
        if not begun:
            begun.append(True)
            meanwhile()
        return real(gateway, wanted, key=key)

    with patch.object(StripeGateway, "open_checkout", slow):
        return checkout.open_page(order)


def killed_while_opened(order):
    """Stripe made the page, and nobody noted it."""
    real = StripeGateway.open_checkout

    def killed(gateway, wanted, *, key):
        real(gateway, wanted, key=key)
        raise KeyboardInterrupt

    with patch.object(StripeGateway, "open_checkout", killed), pytest.raises(KeyboardInterrupt):
        checkout.open_page(order)
    order.refresh_from_db()
    assert order.session_id is None


def pages_open(shop):
    return [one["id"] for one in shop.world.find("checkout.session") if one["status"] == "open"]


@pytest.mark.parametrize(
    ("prices", "coupon"),
    [(("base_monthly", "api_pro_monthly"), "launch50"), (("api_pro_monthly", "api_enterprise_monthly"), "")],
)
def test_two_orders_opened_at_once_have_no_two_pages(shop, owner, organization, prices, coupon):
    one, two = (orders.place_order(owner, organization, price, coupon=coupon) for price in prices)

    def second():
        with pytest.raises(ConflictError):
            checkout.open_page(two)

    with pytest.raises(ConflictError):
        while_opened(one, second)
    assert pages_open(shop) == []
    for price in prices:
        opened(owner, organization, price, coupon=coupon)
    assert len(pages_open(shop)) == 1, "one after the other it works again"


def test_a_page_that_is_opened_while_another_one_closes_the_others_is_closed(shop, owner, organization):
    """The second was placed after the first had closed what there was."""
    one = orders.place_order(owner, organization, "api_pro_monthly")
    with pytest.raises(ConflictError):
        while_opened(one, lambda: opened(owner, organization, "api_enterprise_monthly"))
    assert pages_open(shop) == [Order.objects.for_organization(organization).get(state="open").session_id]


def test_an_order_canceled_while_it_is_opened_has_no_page(shop, owner, organization):
    order = orders.place_order(owner, organization, "api_pro_monthly", coupon="launch50")
    with pytest.raises(ConflictError):
        while_opened(order, lambda: checkout.cancel_page(Order.objects.unscoped().get(pk=order.pk)))
    order.refresh_from_db()
    assert order.state == Order.State.EXPIRED
    assert pages_open(shop) == []


def test_an_order_opened_while_it_is_canceled_has_no_page(shop, owner, organization):
    order = orders.place_order(owner, organization, "credits_1000")
    opened(owner, organization, "credits_1000")
    assert order.sessions == 0, "as it was loaded"
    assert checkout.cancel_page(order)
    assert pages_open(shop) == []


@pytest.mark.parametrize("words", ["the same", "others"])
def test_a_page_that_nobody_noted_is_closed_too(shop, owner, organization, words, settings):
    killed_while_opened(orders.place_order(owner, organization, "api_pro_monthly"))
    if words == "others":  # as after a release that says something else of orders
        settings.STRIPE_TAX = not settings.STRIPE_TAX
    second = opened(owner, organization, "api_enterprise_monthly")
    assert pages_open(shop) == [second.session_id]


def test_a_page_that_nobody_noted_is_no_longer_there_for_who_is_held(shop, owner, organization):
    order = orders.place_order(owner, organization, "credits_1000")
    killed_while_opened(order)
    holds.hold(customers.customer_of(organization), "a dispute")
    settle()
    assert pages_open(shop) == []
    order.refresh_from_db()
    assert order.state == Order.State.EXPIRED


def test_a_page_that_was_paid_while_another_asks_for_it_stays_paid(shop, owner, organization):
    """Two requests for one order: the first has paid already when the second hears of the page."""
    order = orders.place_order(owner, organization, "credits_1000")

    def paid():
        pay(shop, opened(owner, organization, "credits_1000"))
        shop.settle()

    with pytest.raises(ConflictError):
        while_opened(order, paid)
    shop.settle()
    order.refresh_from_db()
    assert order.state == Order.State.PAID
