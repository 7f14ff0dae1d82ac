"""What a checkout sells, and what it costs: its lines with their discounts and taxes, each rounded once."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from apps.integrations.stripe.fake import money
from apps.integrations.stripe.fake.cards import NO_ADDRESS
from apps.integrations.stripe.fake.catalogue import redeem
from apps.integrations.stripe.fake.routing import provided
from apps.integrations.stripe.fake.taxes import country_of, tax_for
from apps.integrations.stripe.fake.world import Object, World

_PLACES = 2  # digits after the point in a percentage of Stripe's


@dataclass(frozen=True)
class Order:
    """What is bought, and how. `prices`: `{"id", "price", "quantity"}`, without a quantity where it is metered."""

    mode: str
    customer: str
    prices: list[Object]
    coupon: str = ""
    automatic_tax: bool = False
    metadata: dict[str, str] = field(default_factory=dict)
    trial_days: int = 0
    anchor: int | None = None
    description: str = ""
    keeps_method: bool = False
    makes_invoice: bool = False
    invoice_metadata: dict[str, str] = field(default_factory=dict)

    def kept(self) -> Object:
        """As it is remembered on a session."""
        return asdict(self)

    def of_subscription(self) -> dict[str, Any]:
        """What `subscriptions.start` and `.quote` ask for."""
        return {
            "customer": self.customer,
            "prices": [{"price": one["price"], "quantity": one["quantity"]} for one in self.prices],
            "anchor": self.anchor,
            "trial_days": self.trial_days,
            "coupon": self.coupon,
            "metadata": dict(self.metadata),
            "automatic_tax": self.automatic_tax,
        }


@dataclass(frozen=True)
class QuotedLine:
    """One line of a payment page. `tax` is on top of the rest or, at an inclusive price, within it (`included`)."""

    id: str
    price: str
    name: str
    quantity: int | None
    currency: str
    subtotal: int
    discount: int = 0
    tax: int = 0
    included: bool = False

    @property
    def total(self) -> int:
        """What is to be paid for it."""
        return self.subtotal - self.discount + (0 if self.included else self.tax)

    def shape(self) -> Object:
        """As Stripe shows a session's line item."""
        return {
            "id": self.id,
            "object": "item",
            "adjustable_quantity": None,
            "amount_discount": self.discount,
            "amount_subtotal": self.subtotal,
            "amount_tax": self.tax,
            "amount_total": self.total,
            "currency": self.currency,
            "description": self.name,
            "metadata": {},
            "price": self.price,
            "quantity": self.quantity,
        }


@dataclass(frozen=True)
class Quote:
    """What is due now. `located`: whether it is known where the customer is, and so the tax."""

    lines: list[QuotedLine]
    currency: str
    subtotal: int
    discount: int
    tax: int
    total: int
    located: bool


def quote(world: World, order: Order) -> Quote:
    """What is due now."""
    lines = _subscription_lines(world, order) if order.mode == "subscription" else _lines(world, order)
    return Quote(
        lines,
        lines[0].currency,
        sum(line.subtotal for line in lines),
        sum(line.discount for line in lines),
        sum(line.tax for line in lines),
        sum(line.total for line in lines),
        bool(country_of(world.get("customer", order.customer))),
    )


def check_total(quote: Quote) -> None:
    """Refuse what no card can be charged."""
    money.check_amount(quote.total, quote.currency, "line_items")


def _lines(world: World, order: Order) -> list[QuotedLine]:
    percent = Decimal(str(world.get("coupon", order.coupon)["percent_off"])) if order.coupon else Decimal(0)
    tax = tax_for(world, world.get("customer", order.customer), automatic=order.automatic_tax)
    lines = []
    for one in order.prices:
        price = world.get("price", one["price"])
        subtotal = money.rounded(Decimal(price["unit_amount_decimal"]) * one["quantity"])
        discount = money.rounded(subtotal * percent / 100)
        taxed = tax.on(subtotal - discount, price["tax_behavior"])
        lines.append(_line(world, price, one, subtotal, discount, taxed))
    return lines


def _subscription_lines(world: World, order: Order) -> list[QuotedLine]:
    invoice = provided("subscriptions.quote")(world, **order.of_subscription())
    billed: list[Object] = invoice["lines"]["data"] if invoice else []
    lines = []
    for one in order.prices:
        price = world.get("price", one["price"])
        of_price = [line for line in billed if line["pricing"]["price_details"]["price"] == price["id"]]
        subtotal = sum(line["amount"] for line in of_price)
        discount = sum(part["amount"] for line in of_price for part in line["discount_amounts"])
        tax = sum(part["amount"] for line in of_price for part in line["taxes"])
        lines.append(_line(world, price, one, subtotal, discount, tax))
    return lines


def _line(world: World, price: Object, one: Object, subtotal: int, discount: int, tax: int) -> QuotedLine:
    return QuotedLine(
        id=one["id"],
        price=price["id"],
        name=world.get("product", price["product"])["name"],
        quantity=one["quantity"],
        currency=price["currency"],
        subtotal=subtotal,
        discount=discount,
        tax=tax,
        included=price["tax_behavior"] == "inclusive",
    )


# Where the customer is ----------------------------------------------------------------------------------------------
class _SupposedError(Exception):
    """What was only supposed is undone."""


@contextmanager
def supposing(world: World, customer: str, country: str) -> Iterator[None]:
    """As if the customer were in this country, without noting it. Whatever the block does is undone."""
    try:
        with world.atomic():
            if country:
                obj = world.get("customer", customer)
                obj["address"] = {**NO_ADDRESS, **(obj["address"] or {}), "country": country}
                world.save(obj)
            yield
            raise _SupposedError
    except _SupposedError:
        return


def locate(world: World, customer: Object, country: str) -> None:
    """Note where the customer is."""
    before = customer["address"] or {}
    if before.get("country") != country:
        address = {**NO_ADDRESS, "country": country}  # another country's street and code say nothing here
        world.update(customer, "customer.updated", address=address)


# Afterwards ---------------------------------------------------------------------------------------------------------
def count_coupon(world: World, order: Order) -> None:
    """One more has used it."""
    if order.coupon:
        redeem(world, world.get("coupon", order.coupon))


def bill(world: World, order: Order, intent: Object | None) -> Object:
    """The invoice of a purchase that was paid for just now."""
    invoice: Object = provided("invoices.once")(
        world,
        customer=order.customer,
        prices=[{"price": one["price"], "quantity": one["quantity"]} for one in order.prices],
        coupon=order.coupon,
        automatic_tax=order.automatic_tax,
        metadata=dict(order.invoice_metadata),
        intent=intent,
    )
    return invoice
