"""Changing what one pays for: offered, confirmed, refused."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from apps.billing.errors import (
    AlreadySubscribedError,
    CouponRefusedError,
    CurrencySwitchError,
    CustomerHeldError,
    NotOnSaleError,
    OvertakenError,
    RefundTooLargeError,
)
from apps.billing.models import Customer, Invoice, Order, PrivateCoupon
from apps.billing.services import checkout, orders, overage, refunds, subscriptions
from apps.billing.services.customers import customer_of
from apps.core.errors import ConflictError, InvalidInputError, NotFoundError
from apps.integrations.stripe.errors import StripeRefusedError
from apps.usage.limits import limits_of
from tests.common.roles import actor_of, client_of, make_member, make_organization, make_user
from tests.common.texts import text
from tests.common.usage import call

pytestmark = pytest.mark.django_db
BEGIN = datetime(2027, 3, 12, 9, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock(db):
    """In the middle of a month."""
    with time_machine.travel(BEGIN, tick=True) as traveller:
        yield traveller


@pytest.fixture
def actor(owner, organization):
    return actor_of(owner, organization)


@pytest.fixture
def pro(shop, owner, organization):
    shop.buy(owner, organization, "api_pro_monthly")
    return shop.subscription(organization)


def confirm(actor, offer, **other):
    terms = {"at": offer.at, "period_end": offer.subscription.period_end, **other}
    subscriptions.change(actor, offer.subscription, offer.price.code, offer.quantity, **terms)


def test_a_change_costs_what_was_offered(shop, actor, organization, pro):
    offer = subscriptions.offer_change(pro, "api_enterprise_monthly", 1)
    confirm(actor, offer)
    shop.settle()
    assert limits_of(organization).quota is None
    latest = Invoice.objects.for_organization(organization).order_by("-created_at", "-pk")[0]
    assert latest.total == offer.due_now.minor > 0
    assert shop.subscription(organization).price == "api_enterprise_monthly"


def test_clicked_twice_it_happens_once(shop, actor, organization, pro):
    offer = subscriptions.offer_change(pro, "api_enterprise_monthly", 1)
    confirm(actor, offer)
    with pytest.raises(ConflictError):
        confirm(actor, replace(offer, subscription=shop.subscription(organization)))
    with pytest.raises(OvertakenError):
        confirm(actor, offer)  # the row as it was loaded
    shop.settle()
    assert Invoice.objects.for_organization(organization).count() == 2


def test_a_change_in_the_second_of_a_renewal(shop, actor, organization, pro, clock):
    """Who saw the price before the renewal is shown the new one first: nothing is changed by the old offer."""
    clock.move_to(datetime(2027, 3, 31, 23, 59, 50, tzinfo=UTC))
    offer = subscriptions.offer_change(pro, "api_enterprise_monthly", 1)
    clock.move_to(datetime(2027, 4, 1, 1, 0, 1, tzinfo=UTC))
    shop.world.catch_up()
    shop.settle()
    renewed = shop.subscription(organization)
    assert renewed.period_end == datetime(2027, 5, 1, tzinfo=UTC)
    with pytest.raises(OvertakenError):
        subscriptions.change(actor, renewed, offer.price.code, 1, at=offer.at, period_end=offer.subscription.period_end)
    assert limits_of(organization).quota == 10_000
    confirm(actor, subscriptions.offer_change(renewed, "api_enterprise_monthly", 1))
    assert limits_of(organization).quota is None


def test_the_renewal_comes_between_the_look_and_the_change(shop, actor, organization, pro, clock):
    """Our row is of the old month, Stripe has renewed: a price of the old month is not charged in the new one."""
    clock.move_to(datetime(2027, 3, 31, 23, 59, 50, tzinfo=UTC))
    offer = subscriptions.offer_change(pro, "api_enterprise_monthly", 1)
    clock.move_to(datetime(2027, 4, 1, 0, 0, 5, tzinfo=UTC))
    shop.world.catch_up()
    assert pro.period_end == datetime(2027, 4, 1, tzinfo=UTC), "we were not told yet"
    with pytest.raises(StripeRefusedError):
        confirm(actor, offer)
    shop.settle()
    renewed = shop.subscription(organization)
    assert (renewed.price, renewed.period_end) == ("api_pro_monthly", datetime(2027, 5, 1, tzinfo=UTC))
    assert limits_of(organization).quota == 10_000
    assert [line.price for bill in Invoice.objects.for_organization(organization) for line in bill.lines.all()] == [
        "api_pro_monthly"
    ] * 2, "the first, and the renewal"


def test_an_old_offer_is_none(actor, pro, clock):
    offer = subscriptions.offer_change(pro, "api_enterprise_monthly", 1)
    clock.shift(timedelta(minutes=31))
    with pytest.raises(OvertakenError):
        confirm(actor, offer)


def test_a_declined_card_changes_nothing(shop, actor, owner, organization):
    shop.buy(owner, organization, "api_pro_monthly", card="fails_later")
    row = shop.subscription(organization)
    offer = subscriptions.offer_change(row, "api_enterprise_monthly", 1)
    with pytest.raises(StripeRefusedError) as refusal:
        confirm(actor, offer)
    assert refusal.value.is_payment_failure
    shop.settle()
    assert limits_of(organization).quota == 10_000


def test_a_smaller_plan_is_credited(shop, actor, owner, organization):
    shop.buy(owner, organization, "api_enterprise_monthly")
    offer = subscriptions.offer_change(shop.subscription(organization), "api_pro_monthly", 1)
    assert offer.due_now.minor <= 0
    confirm(actor, offer)
    shop.settle()
    assert limits_of(organization).quota == 10_000


def test_a_month_of_calls_is_not_had_for_its_last_day(shop, actor, organization, pro, clock):
    """A larger plan on the 31st, all calls of that month under it, and back on the 1st."""
    clock.move_to(datetime(2027, 3, 31, 20, tzinfo=UTC))
    confirm(actor, subscriptions.offer_change(pro, "api_enterprise_monthly", 1))
    shop.settle()
    call(organization, 10_001)
    with pytest.raises(ConflictError, match="1 May"):  # told at once
        subscriptions.offer_change(shop.subscription(organization), "api_pro_monthly", 1)
    clock.move_to(datetime(2027, 4, 1, 9, tzinfo=UTC))
    shop.settle()
    with pytest.raises(ConflictError, match="1 May"):
        subscriptions.offer_change(shop.subscription(organization), "api_pro_monthly", 1)
    clock.move_to(datetime(2027, 5, 1, 10, tzinfo=UTC))
    shop.settle()
    confirm(actor, subscriptions.offer_change(shop.subscription(organization), "api_pro_monthly", 1))


def test_nor_by_letting_it_end_and_buying_anew(shop, actor, owner, organization, pro, clock, settings):
    settings.API_DEFAULT_PLAN = "sandbox"
    clock.move_to(datetime(2027, 3, 31, 20, tzinfo=UTC))
    confirm(actor, subscriptions.offer_change(pro, "api_enterprise_monthly", 1))
    shop.settle()
    call(organization, 500_000)
    subscriptions.cancel(actor, shop.subscription(organization))
    clock.move_to(datetime(2027, 4, 1, 2, tzinfo=UTC))
    shop.world.catch_up()
    shop.settle()
    with pytest.raises(ConflictError, match="1 May"):
        orders.place_order(owner, organization, "api_pro_monthly")
    with pytest.raises(ConflictError, match="1 May"):
        checkout.open_page(Order.objects.create(organization=organization, price="api_pro_monthly", currency="USD"))
    orders.place_order(owner, organization, "api_enterprise_monthly")
    found = client_of(owner)
    for page in ("/pricing", "/billing/checkout?price=api_pro_monthly"):
        assert "From 1 May on: you called more often than it includes." in text(found, page), page
    assert "called more often" not in text(found, "/billing/checkout?price=api_enterprise_monthly")
    clock.move_to(datetime(2027, 5, 1, 2, tzinfo=UTC))
    orders.place_order(owner, organization, "api_pro_monthly")


def test_who_had_no_more_than_it_includes_buys_it_anew_at_once(shop, actor, owner, organization, pro, clock, settings):
    settings.API_DEFAULT_PLAN = "sandbox"
    shop.buy(owner, organization, "credits_1000", quantity=20)
    call(organization, 25_000)  # 15,000 of them paid for in advance
    overage.settle_all()
    subscriptions.cancel(actor, pro)
    clock.move_to(datetime(2027, 4, 1, 2, tzinfo=UTC))
    shop.world.catch_up()
    shop.settle()
    orders.place_order(owner, organization, "api_pro_monthly")
    orders.place_order(owner, organization, "api_usage_developer_monthly")


def test_from_a_fixed_price_to_one_by_usage_and_back(shop, actor, organization, pro):
    confirm(actor, subscriptions.offer_change(pro, "api_usage_developer_monthly", 1))
    shop.settle()
    row = shop.subscription(organization)
    assert set(row.items) == {"api_usage_developer_monthly", "api_usage_developer_overage"}
    assert limits_of(organization).soft
    confirm(actor, subscriptions.offer_change(row, "api_pro_monthly", 1))
    shop.settle()
    assert set(shop.subscription(organization).items) == {"api_pro_monthly"}
    assert not limits_of(organization).soft


def test_canceled_it_lasts_until_its_period_ends(shop, actor, organization, pro, clock, settings):
    settings.API_DEFAULT_PLAN = "sandbox"
    subscriptions.cancel(actor, pro)
    shop.settle()
    row = shop.subscription(organization)
    assert row.cancel_at == row.period_end
    assert limits_of(organization).quota == 10_000
    with pytest.raises(ConflictError):
        subscriptions.cancel(actor, row)
    subscriptions.resume(actor, row)
    shop.settle()
    row = shop.subscription(organization)
    assert row.cancel_at is None
    clock.shift(timedelta(minutes=2))
    subscriptions.cancel(actor, row)
    clock.move_to(datetime(2027, 4, 1, 1, 5, tzinfo=UTC))
    shop.world.catch_up()
    shop.settle()
    assert shop.subscription(organization).status == "canceled"
    assert limits_of(organization).quota == 1_000


# Seats ---------------------------------------------------------------------------------------------------------------
def test_seats_are_at_least_the_members(shop, actor, owner, organization):
    shop.buy(owner, organization, "base_monthly", quantity=3)
    row = shop.subscription(organization, "platform")
    assert row.status == "trialing"
    for number in range(2):
        make_member(organization, "viewer", f"Member {number}")
    with pytest.raises(ConflictError, match="3 people"):
        subscriptions.offer_change(row, "base_monthly", 2)
    confirm(actor, subscriptions.offer_change(row, "base_monthly", 7))
    shop.settle()
    assert shop.subscription(organization, "platform").quantity == 7


def test_a_trial_is_had_once(shop, actor, owner, organization, clock):
    shop.buy(owner, organization, "base_monthly")
    subscriptions.cancel(actor, shop.subscription(organization, "platform"))
    clock.shift(timedelta(days=40))
    shop.world.catch_up()
    shop.settle()
    assert shop.subscription(organization, "platform").status == "canceled"
    shop.buy(owner, organization, "base_monthly")
    assert shop.subscription(organization, "platform").status == "active"


# What is refused -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("quantity", [-1, 0, 1_001, 10**9])
def test_quantities_without_sense(owner, organization, quantity):
    with pytest.raises(InvalidInputError):
        orders.place_order(owner, organization, "credits_1000", quantity=quantity)
    assert not Order.objects.for_organization(organization).exists()


@pytest.mark.parametrize("quantity", [-1, 0, 2, 10**9])
def test_a_plan_is_bought_once(owner, organization, quantity):
    with pytest.raises(InvalidInputError):
        orders.place_order(owner, organization, "api_pro_monthly", quantity=quantity)


def test_two_clicks_are_one_order_and_one_page(shop, owner, organization):
    first, second = (orders.place_order(owner, organization, "api_pro_monthly") for _click in range(2))
    assert first == second
    assert checkout.open_page(first) == checkout.open_page(second)
    assert len(shop.world.find("checkout.session")) == 1
    assert len(shop.world.find("customer")) == 1


def test_nobody_subscribes_twice(shop, owner, organization, pro):
    with pytest.raises(AlreadySubscribedError):
        orders.place_order(owner, organization, "api_enterprise_monthly")


def test_an_order_from_before_the_subscription_is_not_paid_any_more(shop, owner, organization):
    other = orders.place_order(owner, organization, "api_enterprise_monthly")
    shop.buy(owner, organization, "api_pro_monthly")
    with pytest.raises(AlreadySubscribedError):
        checkout.open_page(other)


def test_what_grants_something_unknown_is_not_on_sale(owner, organization):
    with pytest.raises(NotOnSaleError):
        orders.place_order(owner, organization, "exam_once")
    with pytest.raises(NotOnSaleError, match="sale"):
        orders.place_order(owner, organization, "api_usage_developer_overage")
    with pytest.raises(NotFoundError):
        orders.place_order(owner, organization, "gold")


def test_another_currency(owner, organization):
    Customer.objects.create(organization=organization, currency="EUR")
    with pytest.raises(CurrencySwitchError):
        orders.place_order(owner, organization, "api_pro_monthly")


def test_a_held_customer_buys_nothing(owner, organization):
    Customer.objects.create(organization=organization, held_because="a dispute")
    with pytest.raises(CustomerHeldError):
        orders.place_order(owner, organization, "api_pro_monthly")


# Coupons -------------------------------------------------------------------------------------------------------------
def test_the_launch_offer_halves_the_first_bill(shop, owner, organization, clock):
    shop.buy(owner, organization, "api_pro_monthly", coupon=" LAUNCH50 ")
    first = shop.payment(organization)
    outsider = make_user("Full price")
    elsewhere = make_organization(outsider, "Full price")
    shop.buy(outsider, elsewhere, "api_pro_monthly")
    whole = shop.payment(elsewhere)
    assert abs(first.amount * 2 - whole.amount) <= 1
    clock.move_to(datetime(2027, 4, 1, 1, 5, tzinfo=UTC))
    shop.world.catch_up()
    shop.settle()
    assert shop.payment(organization).amount == 1_900


def test_a_coupon_of_another_organization(shop, owner, organization, outsider):
    elsewhere = outsider.memberships.select_related("organization")[0].organization
    PrivateCoupon.objects.create(organization=elsewhere, code="for-them", coupon="launch50")
    with pytest.raises(CouponRefusedError) as stolen:
        orders.place_order(owner, organization, "api_pro_monthly", coupon="for-them")
    with pytest.raises(CouponRefusedError) as unknown:
        orders.place_order(owner, organization, "api_pro_monthly", coupon="nothing-like-it")
    assert str(stolen.value) == str(unknown.value), "nobody learns that it exists"
    shop.buy(outsider, elsewhere, "api_pro_monthly", coupon="for-them")
    assert 500 < shop.payment(elsewhere).amount < 700


def test_a_coupon_is_used_once(shop, actor, owner, organization, pro, staff):
    shop.buy(owner, organization, "base_monthly", coupon="launch50")
    subscriptions.stand(pro, end=True)
    shop.settle()
    with pytest.raises(CouponRefusedError):
        orders.place_order(owner, organization, "api_pro_monthly", coupon="launch50")
    with pytest.raises(CouponRefusedError):
        orders.place_order(owner, organization, "credits_1000", coupon="launch50")


# Money back ----------------------------------------------------------------------------------------------------------
def test_more_than_was_paid_is_refused(shop, owner, staff, organization, pro):
    payment = shop.payment(organization)
    for amount in (0, -1, payment.amount + 1):
        with pytest.raises(RefundTooLargeError):
            refunds.order_refund(payment, amount, reason="duplicate", note="", by=staff)
    refunds.order_refund(payment, payment.amount - 1, reason="duplicate", note="", by=staff)
    with pytest.raises(RefundTooLargeError, match=r"\$0.01"):
        refunds.order_refund(payment, 2, reason="duplicate", note="", by=staff)
    shop.settle()
    assert limits_of(organization).quota == 10_000, "a part of it takes nothing away"
    payment.refresh_from_db()
    assert refunds.refundable(payment).minor == 1


def test_customers_are_made_once(shop, organization):
    assert customer_of(organization) == customer_of(organization)
