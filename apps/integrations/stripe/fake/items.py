"""Items of subscriptions: one price each, how many of it, and in which period."""

from apps.integrations.stripe.fake.errors import invalid
from apps.integrations.stripe.fake.params import MOST_QUANTITY
from apps.integrations.stripe.fake.periods import period_of
from apps.integrations.stripe.fake.world import Object, World, shown

_MOST_ITEMS = 20


def items_of(subscription: Object) -> list[Object]:
    """Its items."""
    found: list[Object] = subscription["items"]["data"]
    return found


def is_metered(item: Object) -> bool:
    """Whether it is billed by usage."""
    return bool(item["price"]["recurring"]["usage_type"] == "metered")


def rhythm(price: Object) -> tuple[str, int]:
    """Every how many of what it is billed."""
    return price["recurring"]["interval"], price["recurring"]["interval_count"]


def period_now(subscription: Object) -> tuple[int, int]:
    """The period that its items are in."""
    first = items_of(subscription)[0]
    return first["current_period_start"], first["current_period_end"]


def whole_period(subscription: Object) -> tuple[int, int]:
    """The whole one that the period now is (a part of): what a price for a month is for."""
    interval, every = rhythm(items_of(subscription)[0]["price"])
    return period_of(subscription["billing_cycle_anchor"], interval, every, period_now(subscription)[1] - 1)


def add_item(
    world: World, subscription: Object, price: Object, quantity: int | None, period: tuple[int, int]
) -> Object:
    """One more item, from now on."""
    check_price(subscription, price)
    metered = price["recurring"]["usage_type"] == "metered"
    item = {
        "object": "subscription_item",
        "id": world.new_id("si"),
        "billed_until": world.now() if metered else period[1],
        "billing_thresholds": None,
        "created": world.now(),
        "current_period_end": period[1],
        "current_period_start": period[0],
        "discounts": [],
        "metadata": {},
        "plan": {},
        "price": shown(price),
        "subscription": subscription["id"],
        "tax_rates": [],
    }
    amount = check_quantity(price, quantity)
    if not metered:
        item["quantity"] = amount
    items_of(subscription).append(item)
    return item


def check_price(subscription: Object, price: Object) -> None:
    """Refuse a price that can't be one of its items'."""
    if not price["active"]:
        raise invalid("The price specified is inactive. This field only accepts active prices.", "items[0][price]")
    if not price["recurring"]:
        raise invalid(
            "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.",
            "items[0][price]",
        )
    if price["currency"] != subscription["currency"]:
        raise invalid(
            f"The price specified only supports `{price['currency']}`. This doesn't match the expected currency: "
            f"`{subscription['currency']}`.",
            "items[0][price]",
        )
    present = items_of(subscription)
    if any(item["price"]["id"] == price["id"] for item in present):
        raise invalid(f"Cannot add multiple subscription items with the same plan: {price['id']}", "items")
    if any(rhythm(item["price"]) != rhythm(price) for item in present):
        raise invalid("Test payments know no subscriptions of mixed intervals.", "items")
    if len(present) >= _MOST_ITEMS:
        raise invalid(f"A subscription can have at most {_MOST_ITEMS} items.", "items")


def check_quantity(price: Object, quantity: int | None) -> int:
    """How many of it, 1 where nothing is said. A metered price has no quantity."""
    if price["recurring"] and price["recurring"]["usage_type"] == "metered":
        if quantity is not None:
            raise invalid(
                "Quantity should not be specified where usage_type is `metered`. Remove quantity from `items[0]`",
                "items[0][quantity]",
            )
        return 0
    amount = 1 if quantity is None else quantity
    if not 0 <= amount <= MOST_QUANTITY:
        raise invalid(f"Invalid quantity: {amount}", "items[0][quantity]", "parameter_invalid_integer")
    return amount


def refreshed(world: World, subscription: Object) -> Object:
    """The subscription with its items' prices as they are now."""
    for item in items_of(subscription):
        price = world.get("price", item["price"]["id"])
        item["price"], item["plan"] = shown(price), _plan(price)
    return subscription


def _plan(price: Object) -> Object:
    recurring = price["recurring"]
    return {
        "object": "plan",
        "id": price["id"],
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": "per_unit",
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": False,
        "metadata": price["metadata"],
        "meter": recurring["meter"],
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": None,
        "usage_type": recurring["usage_type"],
    }
