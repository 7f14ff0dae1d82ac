"""Whatever the fake Stripe answers has only members that stripe-python knows of that kind of object."""

import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from stripe import StripeObject
from stripe._object_classes import get_object_class

from apps.integrations.stripe.fake.world import shown
from tests.common.stripe_pages import Browser
from tests.common.stripe_shop import APRIL, DAY, Shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as opened:
        yield opened


def strangers(value: Any, kind: type[StripeObject] | None, path: str) -> Iterator[str]:
    """The paths of members that a kind of object doesn't have."""
    if isinstance(value, list):
        for one in value:
            yield from strangers(one, kind, f"{path}[]")
    if not isinstance(value, dict):
        return
    if isinstance(name := value.get("object"), str):
        kind, path = get_object_class("V1", name), f"{path}({name})"
        if kind is StripeObject:
            yield f"{path} is no object of Stripe's"
            return
    if kind is None:
        return
    known = {name for one in kind.__mro__ for name in inspect.get_annotations(one)}
    for name, inner in value.items():
        if name not in known and name != "object":
            yield f"{path}.{name}"
        yield from strangers(inner, kind._inner_class_types.get(name), f"{path}.{name}")


def test_no_object_has_a_member_of_its_own(shop: Shop) -> None:
    v1 = shop.v1
    v1.coupons.create({"id": "LAUNCH", "percent_off": 50, "duration": "once"})
    v1.customers.tax_ids.create(shop.customer, {"type": "eu_vat", "value": "DE123456789"})
    opened = {"customer": shop.customer, "success_url": "https://levqor.example", "discounts": [{"coupon": "LAUNCH"}]}
    tax = {"automatic_tax": {"enabled": True}, "customer_update": {"address": "auto"}}
    once = v1.checkout.sessions.create(
        {
            **opened,
            **tax,
            "mode": "payment",
            "line_items": [{"price": shop.setup, "quantity": 1}],
            "invoice_creation": {"enabled": True},
        }
    )
    tab = Browser().open(once.url).press("Update total", country="FR")
    tab.press("Pay $1,000.00", card="declined").press("Pay $1,000.00", card="three_d_secure")
    tab.press("Complete authentication")
    monthly = v1.checkout.sessions.create(
        {
            **opened,
            "mode": "subscription",
            "line_items": [{"price": shop.pro, "quantity": 2}, {"price": shop.calls}],
            "subscription_data": {"trial_period_days": 3},
        }
    )
    Browser().open(monthly.url).press("Start the trial", card="fails_later")
    v1.billing_portal.sessions.create({"customer": shop.customer})
    bought = shop.buy(shop.pro, shop.calls, anchor=APRIL, payment_method=shop.card)
    shop.use(12)
    item = next(one for one in shop.subscription(bought)["items"].data if one.price.id == shop.pro)
    shop.change(bought, [{"id": item.id, "quantity": 5}])
    intent = v1.payment_intents.list().data[0]
    refund = v1.refunds.create({"payment_intent": intent.id, "amount": 10})
    v1.test_helpers.test_clocks.create({"frozen_time": shop.now() + 40 * DAY})
    disputed = v1.checkout.sessions.create(
        {**opened, "mode": "payment", "line_items": [{"price": shop.setup, "quantity": 1}]}
    )
    Browser().open(disputed.url).press("Pay $1,000.00", card="disputed")

    objects = [
        shown(obj) for kind, of_kind in shop.world._objects.items() for obj in of_kind.values() if kind[0] != "_"
    ]
    kinds = {obj["object"] for obj in objects}
    assert {"invoice", "subscription", "dispute", "checkout.session", "balance_transaction", "event"} <= kinds
    answers = [
        v1.refunds.retrieve(refund.id, {"expand": ["charge.balance_transaction", "payment_intent"]}),
        v1.customers.retrieve(shop.customer, {"expand": ["tax_ids", "subscriptions"]}),
        v1.checkout.sessions.retrieve(once.id, {"expand": ["line_items", "invoice.payments"]}),
        v1.subscriptions.list({"expand": ["data.latest_invoice.lines", "data.default_payment_method"]}),
        v1.accounts.retrieve_current(),
    ]
    objects += [answer.to_dict() for answer in answers]
    unknown = sorted({stranger for obj in objects for stranger in strangers(obj, None, "")})
    assert not unknown, "\n".join(unknown)
