"""Buying, renewing and ending subscriptions at the fake Stripe."""

from collections.abc import Iterator
from fractions import Fraction

import pytest
import stripe

from apps.integrations.stripe.fake.periods import shifted
from apps.integrations.stripe.fake.proration import rounded
from tests.common.stripe_shop import APRIL, DAY, HOUR, MAY, Shop

MARCH = shifted(APRIL, "month", -1)


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as opened:
        yield opened


def test_the_first_invoice_is_in_proportion_and_the_next_one_whole(shop: Shop) -> None:
    subscription = shop.buy(shop.pro)
    [first] = shop.invoices()
    item = shop.subscription(subscription)["items"].data[0]
    share = Fraction(APRIL - item.current_period_start, APRIL - MARCH)
    assert (first.total, first.status, first.billing_reason) == (rounded(4900 * share), "paid", "subscription_create")
    assert first.lines.data[0].parent.subscription_item_details.proration
    assert item.current_period_end == APRIL

    shop.advance(APRIL + HOUR - 1)
    draft = shop.invoices()[0]
    assert (draft.status, draft.billing_reason, draft.total) == ("draft", "subscription_cycle", 4900)
    shop.advance(APRIL + HOUR + 1)
    renewal = shop.invoices()[0]
    assert (renewal.id, renewal.status, renewal.amount_paid) == (draft.id, "paid", 4900)
    assert renewal.number != first.number
    assert shop.subscription(subscription)["items"].data[0].current_period_end == MAY


def test_a_renewal_bills_the_coming_month_and_the_usage_of_the_past_one(shop: Shop) -> None:
    shop.buy(shop.pro, shop.calls)
    shop.use(1_000)
    shop.advance(APRIL - 10)
    shop.use(10)
    shop.advance(APRIL + 60)
    shop.use(7, at=APRIL - 1)  # late, and counted: the invoice is a draft for an hour
    shop.use(500)
    shop.advance(APRIL + 2 * HOUR)
    invoice = shop.invoices()[0]
    lines = {line.pricing.price_details.price: line for line in invoice.lines.data}
    assert (lines[shop.calls].quantity, lines[shop.calls].amount) == (1017, 153)  # 152.55
    assert lines[shop.calls].period.end == lines[shop.pro].period.start == APRIL
    assert invoice.total == 4900 + 153
    shop.advance(MAY + 2 * HOUR)
    [used] = [line for line in shop.invoices()[0].lines.data if line.pricing.price_details.price == shop.calls]
    assert (used.quantity, used.amount) == (500, 75)


def test_half_price_holds_for_the_first_invoice_only(shop: Shop) -> None:
    shop.v1.coupons.create({"id": "launch", "percent_off": 50, "duration": "once"})
    subscription = shop.buy(shop.pro, coupon="launch")
    [first] = shop.invoices()
    assert first.total == first.subtotal - rounded(Fraction(first.subtotal, 2))
    assert first.total_discount_amounts[0].amount == first.subtotal - first.total
    assert shop.subscription(subscription).discounts == []
    shop.advance(APRIL + 2 * HOUR)
    assert shop.invoices()[0].total == 4900


def test_a_discount_for_good_stays(shop: Shop) -> None:
    shop.v1.coupons.create({"id": "friend", "percent_off": 33.3, "duration": "forever"})
    shop.buy(shop.pro, coupon="friend")
    shop.advance(APRIL + 2 * HOUR)
    assert shop.invoices()[0].total == 4900 - 1632  # 1631.7


def test_a_trial_costs_nothing_until_it_ends(shop: Shop) -> None:
    shop.v1.coupons.create({"id": "launch", "percent_off": 50, "duration": "once"})
    subscription = shop.buy(shop.pro, shop.calls, trial_days=14, anchor=None, coupon="launch")
    ends = shop.subscription(subscription).trial_end
    assert shop.subscription(subscription).status == "trialing"
    assert [(one.total, one.status) for one in shop.invoices()] == [(0, "paid")]
    shop.use(900)
    shop.advance(ends - 3 * DAY + 1)
    assert "customer.subscription.trial_will_end" in shop.events()
    shop.advance(ends + 2 * HOUR)
    after = shop.subscription(subscription)
    assert (after.status, after.trial_end) == ("active", ends)
    assert shop.invoices()[0].total == 2450  # the discount waited; what was used in the trial is free
    assert after["items"].data[0].current_period_end == shifted(ends, "month", 1)


def test_a_trial_that_ends_before_its_anchor_is_followed_by_a_part_of_a_month(shop: Shop) -> None:
    subscription = shop.buy(shop.pro, trial_days=7)
    ends = shop.subscription(subscription).trial_end
    shop.advance(ends + 2 * HOUR)
    assert shop.invoices()[0].total == rounded(Fraction(4900 * (APRIL - ends), APRIL - MARCH))
    shop.advance(APRIL + 2 * HOUR)
    assert shop.invoices()[0].total == 4900


def test_a_fee_paid_once_is_on_the_first_invoice(shop: Shop) -> None:
    shop.buy(shop.pro, shop.setup, anchor=None)
    assert shop.invoices()[0].total == 204_900
    shop.advance(shifted(shop.now(), "month", 1) + 2 * HOUR)
    assert shop.invoices()[0].total == 4900


def test_usage_alone_is_billed_at_the_end_of_the_period(shop: Shop) -> None:
    shop.buy(shop.calls)
    assert shop.invoices() == []
    shop.use(100_000)
    shop.advance(APRIL + 2 * HOUR)
    assert [one.total for one in shop.invoices()] == [15_000]


def test_an_amount_too_small_to_charge_is_carried_over(shop: Shop) -> None:
    shop.buy(shop.calls)
    shop.use(100)
    shop.advance(APRIL + 2 * HOUR)
    [small] = shop.invoices()
    assert (small.total, small.amount_due, small.status, small.ending_balance) == (15, 0, "paid", 15)
    shop.use(400)
    shop.advance(MAY + 2 * HOUR)
    assert (shop.invoices()[0].total, shop.invoices()[0].amount_paid) == (60, 75)


def test_nothing_is_begun_where_the_card_is_declined(shop: Shop) -> None:
    shop.v1.coupons.create({"id": "launch", "percent_off": 50, "duration": "once"})
    bad = shop.attach("pm_card_chargeDeclined")
    with pytest.raises(Exception, match="declined"):
        shop.buy(shop.pro, payment_method=bad, coupon="launch")
    assert shop.invoices() == []
    assert shop.v1.subscriptions.list({"status": "all"}).data == []
    assert shop.v1.coupons.retrieve("launch").times_redeemed == 0
    assert shop.v1.payment_intents.list().data[0].status == "requires_payment_method"


def test_it_ends_with_its_period_unless_it_is_resumed(shop: Shop) -> None:
    subscription = shop.buy(shop.pro, shop.calls)
    ending = shop.v1.subscriptions.update(subscription, {"cancel_at_period_end": True})
    assert (ending.cancel_at, ending.cancel_at_period_end, ending.status) == (APRIL, True, "active")
    resumed = shop.v1.subscriptions.update(subscription, {"cancel_at_period_end": False})
    assert (resumed.cancel_at, resumed.canceled_at) == (None, None)
    shop.v1.subscriptions.update(subscription, {"cancel_at_period_end": True})
    shop.use(1_000)
    shop.advance(APRIL + 2 * HOUR)
    assert (shop.subscription(subscription).status, shop.subscription(subscription).ended_at) == ("canceled", APRIL)
    assert (shop.invoices()[0].total, shop.invoices()[0].status) == (150, "paid")
    assert shop.events().count("customer.subscription.deleted") == 1
    assert shop.v1.subscriptions.list({"customer": shop.customer}).data == []
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.subscriptions.update(subscription, {"cancel_at_period_end": False})


def test_it_ends_at_once(shop: Shop) -> None:
    subscription = shop.buy(shop.pro)
    assert shop.v1.subscriptions.cancel(subscription).status == "canceled"
    shop.advance(MAY)
    assert len(shop.invoices()) == 1
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.subscriptions.cancel(subscription)


def test_a_failing_card_is_tried_three_times_more_and_then_it_is_over(shop: Shop) -> None:
    subscription = shop.buy(shop.pro, payment_method=shop.attach("pm_card_chargeCustomerFail"))
    shop.advance(APRIL + HOUR + 1)
    [invoice, _] = shop.invoices()
    assert (invoice.status, invoice.attempt_count, invoice.amount_remaining) == ("open", 1, 4900)
    assert shop.subscription(subscription).status == "past_due"
    assert shop.v1.customers.retrieve(shop.customer).delinquent
    tried = APRIL + HOUR
    for attempts, days in ((2, 3), (3, 5), (4, 7)):
        assert shop.invoices()[0].next_payment_attempt == tried + days * DAY
        tried += days * DAY
        shop.advance(tried + 1)
        assert shop.invoices()[0].attempt_count == attempts
    over = shop.subscription(subscription)
    assert (over.status, over.cancellation_details.reason) == ("canceled", "payment_failed")
    assert shop.invoices()[0].next_payment_attempt is None
    assert shop.events().count("invoice.payment_failed") == 4
    [payment] = shop.v1.invoice_payments.list({"invoice": invoice.id}).data
    assert payment.status == "open"  # one intent, four charges
    assert len(shop.v1.charges.list({"payment_intent": payment.payment.payment_intent}).data) == 4


def test_another_card_heals_it(shop: Shop) -> None:
    subscription = shop.buy(shop.pro, payment_method=shop.attach("pm_card_chargeCustomerFail"))
    shop.advance(APRIL + HOUR + 1)
    invoice = shop.invoices()[0].id
    with pytest.raises(stripe.CardError):
        shop.v1.invoices.pay(invoice)
    assert shop.v1.invoices.retrieve(invoice).attempt_count == 1  # who asks doesn't change the plan of retries
    good = shop.attach("pm_card_visa")
    paid = shop.v1.invoices.pay(invoice, {"payment_method": good, "expand": ["payments"]})
    assert (paid.status, paid.payments.data[0].status) == ("paid", "paid")
    assert shop.subscription(subscription).status == "active"
    assert not shop.v1.customers.retrieve(shop.customer).delinquent
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.invoices.pay(invoice)


def test_tax_comes_on_top_where_the_customer_is(shop: Shop) -> None:
    shop.v1.customers.update(shop.customer, {"address": {"country": "DE"}})
    shop.buy(shop.pro, automatic_tax=True, anchor=None)
    [first] = shop.invoices()
    assert (first.subtotal, first.total, first.total_taxes[0].amount) == (4900, 5880, 980)
    shop.v1.customers.tax_ids.create(shop.customer, {"type": "eu_vat", "value": "DE123456789"})
    shop.advance(shifted(shop.now(), "month", 1) + 2 * HOUR)
    second = shop.invoices()[0]
    assert (second.total, second.total_taxes[0].taxability_reason) == (4900, "reverse_charge")
    assert second.customer_tax_ids[0].value == "DE123456789"


def test_tax_is_of_what_the_discount_left_and_may_be_included(shop: Shop) -> None:
    shop.v1.customers.update(shop.customer, {"address": {"country": "GB"}})
    shop.v1.coupons.create({"id": "friend", "percent_off": 50, "duration": "forever"})
    shop.v1.prices.update(shop.seat, {"tax_behavior": "inclusive"})
    shop.buy(shop.pro, shop.seat, automatic_tax=True, anchor=None, coupon="friend")
    [first] = shop.invoices()
    taxes = {tax.tax_behavior: (tax.taxable_amount, tax.amount) for tax in first.total_taxes}
    assert taxes == {"exclusive": (2450, 490), "inclusive": (500, 100)}
    assert (first.subtotal, first.total, first.total_excluding_tax) == (6100, 2450 + 490 + 600, 2950)


def test_one_customer_has_one_currency(shop: Shop) -> None:
    shop.buy(shop.pro)
    euro = shop.price("pro", unit_amount=4500, recurring={"interval": "month"}, currency="eur")
    with pytest.raises(Exception, match="combine currencies"):
        shop.buy(euro)
