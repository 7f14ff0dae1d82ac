"""Whatever is changed, in whatever order: previews hold, lines add up, and no cent is lost between invoices."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.common.stripe_shop import APRIL, DAY, HOUR, Shop

COUNTRIES = st.sampled_from(["US", "DE", "GB"])
STEPS = st.one_of(
    st.tuples(st.just("plan"), st.sampled_from(["pro", "big", "seat"])),
    st.tuples(st.just("seats"), st.integers(0, 9)),
    st.tuples(st.just("usage"), st.booleans()),
    st.tuples(st.just("use"), st.integers(1, 40_000)),
    st.tuples(st.just("wait"), st.integers(1, 20)),
)


@settings(max_examples=12, deadline=None)
@given(
    steps=st.lists(STEPS, max_size=8),
    country=COUNTRIES,
    inclusive=st.booleans(),
    coupon=st.sampled_from(["", "launch", "friend"]),
)
def test_previews_hold_and_no_cent_is_lost(
    steps: list[tuple[str, Any]], country: str, inclusive: bool, coupon: str
) -> None:
    with Shop() as shop:
        shop.v1.customers.update(shop.customer, {"address": {"country": country}})
        shop.v1.coupons.create({"id": "launch", "percent_off": 50, "duration": "once"})
        shop.v1.coupons.create({"id": "friend", "percent_off": 33.3, "duration": "forever"})
        if inclusive:
            shop.v1.prices.update(shop.pro, {"tax_behavior": "inclusive"})
        subscription = shop.buy(shop.pro, coupon=coupon, automatic_tax=True)
        for step, value in steps:
            _take(shop, subscription, step, value)
        shop.advance(max(shop.now(), APRIL) + 32 * DAY + 2 * HOUR)
        _check(shop)


def _take(shop: Shop, subscription: str, step: str, value: Any) -> None:
    items = {item.price.id: item for item in shop.subscription(subscription)["items"].data}
    metered = items.pop(shop.calls, None)
    [(price, base)] = items.items()
    changes: list[dict[str, Any]] = []
    if step == "use":
        shop.use(value)
    elif step == "wait":
        shop.advance(shop.now() + value * DAY)
    elif step == "plan" and price != getattr(shop, value):
        changes = [{"id": base.id, "deleted": True}, {"price": getattr(shop, value), "quantity": 2}]
    elif step == "seats":
        changes = [{"id": base.id, "quantity": value}]
    elif step == "usage" and value != bool(metered):
        changes = [{"price": shop.calls}] if value else [{"id": metered.id, "deleted": True}]
    if changes:
        at, before = shop.now(), len(shop.invoices())
        preview = shop.preview(subscription, changes, at)
        shop.change(subscription, changes, proration_date=at)
        made = shop.invoices()[: len(shop.invoices()) - before]
        assert [(one.total, one.amount_due) for one in made] == ([(preview.total, preview.amount_due)] if made else [])
        assert made or preview.total == 0


def _check(shop: Shop) -> None:
    invoices = shop.v1.invoices.list({"limit": 100}).data
    for invoice in invoices:
        lines = shop.v1.invoices.line_items.list(invoice.id, {"limit": 100}).data
        discounts = sum(one.amount for line in lines for one in line.discount_amounts)
        on_top = sum(tax.amount for line in lines for tax in line.taxes if tax.tax_behavior == "exclusive")
        assert invoice.total == sum(line.amount for line in lines) - discounts + on_top
        assert invoice.status == "paid"
    paid = sum(invoice.amount_paid for invoice in invoices)
    balance = shop.v1.customers.retrieve(shop.customer).balance
    assert sum(invoice.total for invoice in invoices) == paid + balance
    received = sum(one.amount_received for one in shop.v1.payment_intents.list({"limit": 100}).data)
    assert received == paid
