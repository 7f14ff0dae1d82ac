"""Changing subscriptions at the fake Stripe: what it costs at once, to the cent as it was previewed."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

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


def _item(shop: Shop, subscription: str, price: str) -> str:
    items = shop.subscription(subscription)["items"].data
    return str(next(item.id for item in items if item.price.id == price))


def _rest(amount: int, at: int) -> int:
    return rounded(Fraction(amount * (APRIL - at), APRIL - MARCH))


def _lines(invoice: Any) -> list[tuple[int, str, int]]:
    return [(line.amount, line.description, line.period.start) for line in invoice.lines.data]


def test_an_upgrade_is_billed_at_once_and_as_previewed(shop: Shop) -> None:
    subscription = shop.buy(shop.pro)
    paid = shop.invoices()[0].total
    began = shop.subscription(subscription).start_date
    shop.advance(began + 5 * DAY)
    at = shop.now()
    items = [{"id": _item(shop, subscription, shop.pro), "price": shop.big}]
    preview = shop.preview(subscription, items, at)
    assert [one.price.id for one in shop.subscription(subscription)["items"].data] == [shop.pro]
    shop.advance(at + 90)  # while somebody thinks about it
    changed = shop.change(subscription, items, proration_date=at, metadata={"plan": "big"})
    invoice = shop.invoices()[0]
    credit = -rounded(Fraction(paid * (APRIL - at), APRIL - began))
    assert invoice.total == preview.total == preview.amount_due == credit + _rest(9900, at)
    assert _lines(invoice) == _lines(preview)
    assert (invoice.status, invoice.billing_reason) == ("paid", "subscription_update")
    assert invoice.parent.subscription_details.subscription_proration_date == at
    credited = invoice.lines.data[0].parent.subscription_item_details.proration_details.credited_items
    assert credited.invoice == shop.invoices()[1].id
    assert changed.metadata.to_dict() == {"plan": "big"}
    assert changed["items"].data[0].id == items[0]["id"]
    shop.advance(APRIL + 2 * HOUR)
    assert shop.invoices()[0].total == 9900


@pytest.mark.parametrize("card", ["pm_card_chargeDeclined", "pm_card_authenticationRequiredOnSetup"])
def test_nothing_changes_where_the_card_is_declined(shop: Shop, card: str) -> None:
    subscription = shop.buy(shop.pro)
    shop.attach(card)
    before = shop.subscription(subscription).to_dict()
    items = [{"id": _item(shop, subscription, shop.pro), "price": shop.big}]
    with pytest.raises(stripe.CardError) as caught:
        shop.change(subscription, items, metadata={"plan": "big"})
    assert caught.value.http_status == 402
    assert shop.subscription(subscription).to_dict() == before
    assert len(shop.invoices()) == 1
    assert "customer.subscription.updated" not in shop.events()
    shop.attach("pm_card_visa")
    shop.change(subscription, items)
    assert len(shop.invoices()) == 2


def test_a_downgrade_leaves_a_credit_for_the_next_invoice(shop: Shop) -> None:
    subscription = shop.buy(shop.big)
    at = shop.now()
    items = [{"id": _item(shop, subscription, shop.big), "price": shop.pro}]
    preview = shop.preview(subscription, items, at)
    shop.change(subscription, items, proration_date=at)
    invoice = shop.invoices()[0]
    assert invoice.total == preview.total < 0
    assert (invoice.amount_due, invoice.status, invoice.ending_balance) == (0, "paid", invoice.total)
    assert shop.v1.customers.retrieve(shop.customer).balance == invoice.total
    shop.advance(APRIL + 2 * HOUR)
    renewal = shop.invoices()[0]
    assert (renewal.total, renewal.amount_paid) == (4900, 4900 + invoice.total)
    assert shop.v1.customers.retrieve(shop.customer).balance == 0


def test_from_a_plan_without_usage_to_one_with_and_back(shop: Shop) -> None:
    subscription = shop.buy(shop.pro)
    shop.use(1_000)  # before there was anything to bill it by
    shop.advance(shop.now() + DAY)
    items: list[dict[str, Any]] = [
        {"id": _item(shop, subscription, shop.pro), "deleted": True}, {"price": shop.big}, {"price": shop.calls},
    ]  # fmt: skip
    shop.change(subscription, items)
    assert [line.description.split()[0] for line in shop.invoices()[0].lines.data] == ["Unused", "Remaining"]
    shop.use(2_000)
    shop.advance(shop.now() + DAY)
    back = [
        {"id": _item(shop, subscription, shop.big), "deleted": True},
        {"id": _item(shop, subscription, shop.calls), "deleted": True},
        {"price": shop.pro, "quantity": 1},
    ]
    at = shop.now()
    preview = shop.preview(subscription, back, at)
    shop.change(subscription, back, proration_date=at)
    invoice = shop.invoices()[0]
    assert invoice.total == preview.total
    [usage] = [line for line in invoice.lines.data if line.pricing.price_details.price == shop.calls]
    assert (usage.quantity, usage.amount) == (2_000, 300)
    shop.advance(APRIL + 2 * HOUR)
    assert [line.amount for line in shop.invoices()[0].lines.data] == [4900]


def test_usage_goes_with_the_price_of_its_time(shop: Shop) -> None:
    dearer = shop.price("calls", unit_amount_decimal="0.3", recurring=shop.metered)
    subscription = shop.buy(shop.pro, shop.calls)
    shop.use(1_000)
    shop.advance(shop.now() + DAY)
    shop.change(subscription, [{"id": _item(shop, subscription, shop.calls), "price": dearer}])
    assert shop.invoices()[0].total == 150
    shop.use(1_000)
    shop.advance(APRIL + 2 * HOUR)
    assert shop.invoices()[0].total == 4900 + 300


def test_without_proration_nothing_is_billed_for_what_goes(shop: Shop) -> None:
    subscription = shop.buy(shop.pro, shop.calls)
    shop.use(1_000)
    items = [{"id": _item(shop, subscription, shop.calls), "deleted": True}]
    shop.v1.subscriptions.update(subscription, {"items": items, "proration_behavior": "none"})
    shop.advance(APRIL + 2 * HOUR)
    assert shop.invoices()[0].total == 4900


def test_clear_usage_is_refused_in_flexible_billing(shop: Shop) -> None:
    subscription = shop.buy(shop.pro, shop.calls)
    items = [{"id": _item(shop, subscription, shop.calls), "deleted": True, "clear_usage": True}]
    with pytest.raises(stripe.InvalidRequestError, match="clear_usage"):
        shop.change(subscription, items)


def test_seats_come_and_go(shop: Shop) -> None:
    subscription = shop.buy(shop.seat, quantity=3)
    at = shop.now()
    seats = _item(shop, subscription, shop.seat)
    shop.change(subscription, [{"id": seats, "quantity": 5}], proration_date=at)
    invoice = shop.invoices()[0]
    assert abs(invoice.total - _rest(2 * 1200, at)) <= 1
    shop.change(subscription, [{"id": seats, "quantity": 4}], proration_date=at)
    assert abs(shop.invoices()[0].total + _rest(1200, at)) <= 1
    assert shop.subscription(subscription)["items"].data[0].quantity == 4
    shop.change(subscription, [{"id": seats, "quantity": 4}], proration_date=at)
    assert len(shop.invoices()) == 3
    shop.advance(APRIL + 2 * HOUR)
    assert shop.invoices()[0].total == 4800
    for wrong in (-1, 10**9):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            shop.change(subscription, [{"id": seats, "quantity": wrong}])
        assert caught.value.code == "parameter_invalid_integer"


def test_what_is_given_back_has_the_tax_it_was_taken_with(shop: Shop) -> None:
    shop.v1.customers.update(shop.customer, {"address": {"country": "DE"}})
    subscription = shop.buy(shop.pro, automatic_tax=True)
    first = shop.invoices()[0]
    shop.v1.customers.update(shop.customer, {"address": {"country": "US"}})
    items = [{"id": _item(shop, subscription, shop.pro), "price": shop.big}]
    began = shop.subscription(subscription).start_date
    shop.change(subscription, items, proration_date=began)
    credit, debit = shop.invoices()[0].lines.data
    assert (credit.amount, credit.taxes[0].amount) == (-first.subtotal, -first.total_taxes[0].amount)
    assert (debit.taxes[0].amount, debit.taxes[0].taxability_reason) == (0, "not_collecting")


def test_prorations_can_wait_for_the_next_invoice(shop: Shop) -> None:
    subscription = shop.buy(shop.seat)
    at = shop.now()
    items = [{"id": _item(shop, subscription, shop.seat), "quantity": 2}]
    upcoming = shop.v1.invoices.create_preview(
        {"subscription": subscription, "subscription_details": {"items": items, "proration_date": at}}
    )
    shop.v1.subscriptions.update(subscription, {"items": items, "proration_date": at})
    assert len(shop.invoices()) == 1
    shop.advance(APRIL + 2 * HOUR)
    assert shop.invoices()[0].total == upcoming.total
    assert [line.amount for line in shop.invoices()[0].lines.data][-1] == 2400


def test_the_next_renewal_can_be_previewed(shop: Shop) -> None:
    subscription = shop.buy(shop.pro, shop.calls)
    shop.use(2_000)
    assert shop.v1.invoices.create_preview({"subscription": subscription}).total == 4900 + 300
    assert len(shop.invoices()) == 1


def test_a_change_in_a_trial_costs_nothing_yet(shop: Shop) -> None:
    subscription = shop.buy(shop.pro, trial_days=14, anchor=None)
    items = [{"id": _item(shop, subscription, shop.pro), "price": shop.big}]
    assert shop.preview(subscription, items, shop.now()).total == 0
    shop.change(subscription, items)
    assert len(shop.invoices()) == 1
    shop.v1.subscriptions.update(subscription, {"trial_end": "now"})
    assert shop.subscription(subscription).status == "active"
    assert shop.invoices()[0].total > 0


def test_a_change_can_wait_until_it_is_paid(shop: Shop) -> None:
    subscription = shop.buy(shop.pro)
    shop.attach("pm_card_chargeDeclined")
    items = [{"id": _item(shop, subscription, shop.pro), "price": shop.big}]
    waiting = shop.change(subscription, items, payment_behavior="pending_if_incomplete")
    assert (waiting.status, waiting["items"].data[0].price.id) == ("active", shop.pro)
    assert waiting.pending_update.subscription_items[0].price.id == shop.big
    good = shop.attach("pm_card_visa")
    assert shop.v1.invoices.pay(shop.invoices()[0].id, {"payment_method": good}).status == "paid"
    after = shop.subscription(subscription)
    assert (after.pending_update, after["items"].data[0].price.id) == (None, shop.big)
    assert "customer.subscription.pending_update_applied" in shop.events()


def test_a_change_that_nobody_pays_for_is_given_up(shop: Shop) -> None:
    subscription = shop.buy(shop.pro)
    shop.attach("pm_card_chargeDeclined")
    items = [{"id": _item(shop, subscription, shop.pro), "price": shop.big}]
    shop.change(subscription, items, payment_behavior="pending_if_incomplete")
    shop.advance(shop.now() + DAY)
    assert (shop.invoices()[0].status, shop.subscription(subscription).pending_update) == ("void", None)
    shop.attach("pm_card_visa")
    shop.change(subscription, items)  # its credit is of the first invoice again
    assert [line.amount < 0 for line in shop.invoices()[0].lines.data] == [True, False]


def test_an_unpaid_change_may_be_made_all_the_same(shop: Shop) -> None:
    subscription = shop.buy(shop.pro)
    shop.attach("pm_card_chargeDeclined")
    items = [{"id": _item(shop, subscription, shop.pro), "price": shop.big}]
    changed = shop.change(subscription, items, payment_behavior="allow_incomplete")
    assert (changed.status, changed["items"].data[0].price.id) == ("past_due", shop.big)
    assert (shop.invoices()[0].status, shop.invoices()[0].attempt_count) == ("open", 1)


@pytest.mark.parametrize(
    ("items", "match"),
    [
        ([{"price": "pro"}], "same plan"),
        ([{"price": "price_unknown"}], "No such price"),
        ([{"id": "si_unknown", "deleted": True}], "No such subscription item"),
        ([{"id": "own", "deleted": True}], "at least one"),
        ([{"price": "calls", "quantity": 2}], "Quantity should not be specified"),
        ([{"price": "setup"}], "type=one_time"),
        ([{"price": "euro"}], "expected currency"),
        ([{"price": "archived"}], "inactive"),
        ([{"price": "big", "amount": 5}], "unknown parameter"),
    ],
)
def test_what_cannot_be_is_refused(shop: Shop, items: list[dict[str, Any]], match: str) -> None:
    subscription = shop.buy(shop.pro)
    archived = shop.price("pro", unit_amount=100, recurring={"interval": "month"})
    shop.v1.prices.update(archived, {"active": False})
    named = {
        "pro": shop.pro, "big": shop.big, "calls": shop.calls, "setup": shop.setup, "archived": archived,
        "euro": shop.price("pro", unit_amount=100, recurring={"interval": "month"}, currency="eur"),
        "own": _item(shop, subscription, shop.pro),
    }  # fmt: skip
    sent = [{name: named.get(value, value) for name, value in item.items()} for item in items]
    before = shop.subscription(subscription).to_dict()
    with pytest.raises(stripe.InvalidRequestError, match=match):
        shop.change(subscription, sent)
    assert shop.subscription(subscription).to_dict() == before


def test_a_proration_date_lies_in_the_period(shop: Shop) -> None:
    subscription = shop.buy(shop.pro)
    items = [{"id": _item(shop, subscription, shop.pro), "price": shop.big}]
    shop.advance(APRIL + 2 * HOUR)
    with pytest.raises(stripe.InvalidRequestError, match="current period"):
        shop.change(subscription, items, proration_date=APRIL - 1)
    with pytest.raises(stripe.InvalidRequestError, match="current period"):
        shop.change(subscription, items, proration_date=MAY)


def test_a_repeated_change_happens_once(shop: Shop) -> None:
    subscription = shop.buy(shop.pro)
    items = [{"id": _item(shop, subscription, shop.pro), "price": shop.big}]
    params = {"items": items, "proration_behavior": "always_invoice"}
    for _ in range(2):
        shop.v1.subscriptions.update(subscription, params, {"idempotency_key": "once"})
    assert len(shop.invoices()) == 2
