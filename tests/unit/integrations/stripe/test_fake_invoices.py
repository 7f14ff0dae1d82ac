"""Invoices at the fake Stripe: lists, numbers, what they look like, and what they are paid with."""

import types
from collections.abc import Iterator, Mapping
from typing import Any, Union, get_args, get_origin

import pytest
import stripe

from tests.common.stripe_shop import APRIL, HOUR, MAY, Shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as opened:
        yield opened


def test_invoices_are_listed_by_page_and_time(shop: Shop) -> None:
    subscription = shop.buy(shop.pro)
    shop.advance(MAY + 2 * HOUR)
    ids = [one.id for one in shop.invoices()]
    assert len(ids) == 3
    page = shop.v1.invoices.list({"limit": 2, "subscription": subscription})
    assert ([one.id for one in page.data], page.has_more) == (ids[:2], True)
    assert [one.id for one in page.auto_paging_iter()] == ids
    assert [one.id for one in shop.v1.invoices.list({"created": {"gte": APRIL, "lt": MAY}}).data] == [ids[1]]
    assert shop.v1.invoices.list({"status": "open"}).data == []
    numbers = [one.number.rpartition("-")[2] for one in shop.invoices()]
    assert numbers == ["0003", "0002", "0001"]


def test_lines_beyond_ten_are_asked_for(shop: Shop) -> None:
    prices = [shop.price("pro", unit_amount=100 + at, recurring={"interval": "month"}) for at in range(12)]
    shop.buy(*prices, anchor=None)
    [invoice] = shop.invoices()
    assert (len(invoice.lines.data), invoice.lines.has_more) == (10, True)
    lines = shop.v1.invoices.line_items.list(invoice.id, {"limit": 100}).data
    assert [line.amount for line in lines] == list(range(100, 112))
    assert sum(line.amount for line in lines) == invoice.total


def test_an_invoice_says_what_paid_it(shop: Shop) -> None:
    shop.buy(shop.pro)
    [invoice] = shop.v1.invoices.list({"expand": ["data.payments"]}).data
    intent = invoice.payments.data[0].payment.payment_intent
    assert shop.v1.payment_intents.retrieve(intent).amount_received == invoice.amount_paid
    by_intent = {"payment": {"type": "payment_intent", "payment_intent": intent}}
    assert [one.invoice for one in shop.v1.invoice_payments.list(by_intent).data] == [invoice.id]
    assert "payments" not in shop.invoices()[0].to_dict()


def test_an_open_invoice_is_voided_or_written_off(shop: Shop) -> None:
    shop.buy(shop.pro, payment_method=shop.attach("pm_card_chargeCustomerFail"))
    shop.advance(APRIL + HOUR + 1)
    open_one, paid = shop.invoices()
    assert shop.v1.invoices.mark_uncollectible(open_one.id).status == "uncollectible"
    assert shop.v1.invoices.void_invoice(open_one.id).status == "void"
    for refused in (open_one.id, paid.id):
        with pytest.raises(stripe.InvalidRequestError):
            shop.v1.invoices.void_invoice(refused)
    shop.advance(MAY - HOUR)
    assert shop.invoices()[0].attempt_count == 1  # nobody asks for it any more


@pytest.mark.parametrize(
    "kind", ["invoice", "preview", "line", "subscription", "item", "payment", "discount", "metered"]
)
def test_shapes_have_no_member_that_stripe_has_not(shop: Shop, kind: str) -> None:
    shop.v1.coupons.create({"id": "friend", "percent_off": 10, "duration": "forever"})
    shop.v1.customers.update(shop.customer, {"address": {"country": "DE"}})
    subscription = shop.buy(shop.pro, shop.calls, coupon="friend", automatic_tax=True)
    items = [{"id": shop.subscription(subscription)["items"].data[0].id, "price": shop.big}]
    preview = shop.preview(subscription, items, shop.now())
    shop.change(subscription, items)
    shop.attach("pm_card_chargeDeclined")
    shop.change(subscription, [{**items[0], "price": shop.seat}], payment_behavior="pending_if_incomplete")
    invoice = shop.v1.invoices.list({"expand": ["data.payments"]}).data[1]
    known = shop.v1.subscriptions.retrieve(subscription, {"expand": ["discounts"]})
    event = {"event_name": "calls", "payload": {"stripe_customer_id": shop.customer, "value": "1"}}
    named: dict[str, Any] = {
        "invoice": (invoice, stripe.Invoice),
        "preview": (preview, stripe.Invoice),
        "line": (invoice.lines.data[0], stripe.InvoiceLineItem),
        "subscription": (known, stripe.Subscription),
        "item": (known["items"].data[0], stripe.SubscriptionItem),
        "payment": (invoice.payments.data[0], stripe.InvoicePayment),
        "discount": (known.discounts[0], stripe.Discount),
        "metered": (shop.v1.billing.meter_events.create(event), stripe.billing.MeterEvent),
    }  # fmt: skip
    found, type = named[kind]
    _check(found.to_dict(), type, kind)


def _check(found: Mapping[str, Any], type: Any, path: str) -> None:
    known = {name: hint for one in type.__mro__ for name, hint in vars(one).get("__annotations__", {}).items()}
    assert not found.keys() - known.keys(), path
    for name, value in found.items():
        inner = _class_of(known[name])
        for one in value if isinstance(value, list) else [value]:
            if inner and isinstance(one, Mapping):
                _check(one, inner, f"{path}.{name}")
    wanted = [name for name, hint in known.items() if hint in (int, str, bool)]
    assert not set(wanted) - found.keys() - {"deleted", "lines"}, path


def _class_of(hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType, list):
        return next((found for one in get_args(hint) if (found := _class_of(one))), None)
    is_nested = isinstance(hint, type) and issubclass(hint, stripe.StripeObject)
    return hint if is_nested and "." in hint.__qualname__ else None
