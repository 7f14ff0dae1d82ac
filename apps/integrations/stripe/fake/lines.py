"""The lines of invoices: what they say, and what of them is discount and tax. Each is rounded once.

Lines are objects of their own. One without an invoice waits for the next.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction

from apps.integrations.stripe.fake import meters
from apps.integrations.stripe.fake.money import amount_of_price
from apps.integrations.stripe.fake.proration import WHOLE, Debit, credits, price_of, rounded
from apps.integrations.stripe.fake.taxes import Tax
from apps.integrations.stripe.fake.world import Object, World


@dataclass(frozen=True)
class Terms:
    """What holds for all lines of one invoice. `percent_off` is of the discount (an id) that holds now."""

    customer: str
    currency: str
    tax: Tax
    subscription: str = ""
    discount: str = ""
    percent_off: str = "0"

    @property
    def off(self) -> Fraction:
        """The part that is taken off."""
        return Fraction(self.percent_off) / 100


def licensed(
    world: World, terms: Terms, item: Object, period: tuple[int, int], share: Fraction = WHOLE, *, free: bool = False
) -> Object:
    """A price for a period, or for a part of one; `free` in a trial."""
    price, quantity = item["price"], item["quantity"]
    name = _name(world, price)
    if free:
        text = f"Trial period for {name}"
    elif share != WHOLE:
        text = f"Time on {_times(quantity)}{name} from {_day(period[0])} until {_day(period[1])}"
    else:
        text = f"{quantity} × {name} (at {amount_of_price(price)} / {_every(price)})"
    amount = 0 if free else price_of(price["unit_amount_decimal"], quantity, share)
    line = _line(world, terms, price, amount, text, quantity, period, item=item["id"], proration=share != WHOLE)
    return _discounted(world, line, terms)


def once(world: World, terms: Terms, price: Object, quantity: int, at: int) -> Object:
    """A price that is paid a single time, with the first invoice."""
    amount = price_of(price["unit_amount_decimal"], quantity)
    return _discounted(world, _line(world, terms, price, amount, _name(world, price), quantity, (at, at)), terms)


def remaining(world: World, terms: Terms, item: Object, period: tuple[int, int], share: Fraction) -> Object:
    """The rest of a period at a new price or quantity. Its amount is after the discount."""
    price, quantity = item["price"], item["quantity"]
    amount = price_of(price["unit_amount_decimal"], quantity, share, terms.off)
    text = f"Remaining time on {_times(quantity)}{_name(world, price)} after {_day(period[0])}"
    return _line(world, terms, price, amount, text, quantity, period, item=item["id"], proration=True)


def unused(world: World, terms: Terms, item: Object, at: int) -> list[Object]:
    """What is given back of an item from a moment on: as much as was taken for it, at the tax of then."""
    found = []
    for debit, amount in credits(_debits(world, item["id"]), at):
        taken = world.get("line_item", debit.line)
        then = Terms(terms.customer, terms.currency, Tax(**taken["_tax"]), terms.subscription)
        text = f"Unused time on {_times(taken['quantity'])}{_name(world, item['price'])} after {_day(at)}"
        line = _line(
            world, then, item["price"], amount, text, taken["quantity"], (max(at, debit.start), debit.end),
            item=item["id"], proration=True,
        )  # fmt: skip
        line["parent"]["subscription_item_details"]["proration_details"] = {
            "credited_items": {"invoice": debit.invoice, "invoice_line_items": [debit.line]}
        }
        line["_credits"] = debit.line
        found.append(world.save(line))
    return found


def used(world: World, terms: Terms, item: Object, until: int, *, removed: bool = False) -> Object:
    """The usage of a metered item since it was billed last."""
    period = (item["billed_until"], until)
    line = _line(world, terms, item["price"], 0, "", 0, period, item=item["id"], proration=removed)
    line["_meter"] = item["price"]["recurring"]["meter"]
    return count(world, line, terms)


def count(world: World, line: Object, terms: Terms) -> Object:
    """Bring a line of usage up to what is reported by now: until its invoice is final, more may come."""
    price = world.get("price", line["pricing"]["price_details"]["price"])
    period = (line["period"]["start"], line["period"]["end"])
    quantity = meters.usage(world, line["_meter"], terms.customer, *period)
    line["quantity"], line["quantity_decimal"] = quantity, str(quantity)
    line["description"] = f"{quantity} × {_name(world, price)} (at {amount_of_price(price)} / {_every(price)})"
    line["amount"] = line["subtotal"] = price_of(price["unit_amount_decimal"], quantity)
    return _discounted(world, line, terms)


def waiting(world: World, subscription: str) -> list[Object]:
    """Lines that the next invoice takes along."""
    return world.find("line_item", subscription=subscription, invoice=None)


def _line(
    world: World,
    terms: Terms,
    price: Object,
    amount: int,
    text: str,
    quantity: int,
    period: tuple[int, int],
    *,
    item: str = "",
    proration: bool = False,
) -> Object:
    details: Object = {"invoice_item": None, "proration": proration, "proration_details": None}
    details["subscription"] = terms.subscription or None
    if item:
        kind, details = "subscription_item_details", {**details, "subscription_item": item}
    else:
        kind, details["invoice_item"] = "invoice_item_details", world.new_id("ii")
    line = {
        "object": "line_item",
        "id": world.new_id("il"),
        "amount": amount,
        "currency": terms.currency,
        "description": text,
        "discount_amounts": [],
        "discountable": not proration,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "parent": {"invoice_item_details": None, "subscription_item_details": None, "type": kind, kind: details},
        "period": {"start": period[0], "end": period[1]},
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": price["unit_amount_decimal"],
        },
        "quantity": quantity,
        "quantity_decimal": str(quantity),
        "subscription": terms.subscription or None,
        "subtotal": amount,
        "taxes": [],
        "_item": item,
        "_tax": {"percent": terms.tax.percent, "reason": terms.tax.reason},
        "_net": amount,
        "_behavior": "inclusive" if price.get("tax_behavior") == "inclusive" else "exclusive",
    }
    return world.add(_taxed(line, terms.tax))


def _discounted(world: World, line: Object, terms: Terms) -> Object:
    amount = rounded(line["amount"] * terms.off)
    line["discountable"] = True
    line["discounts"] = [terms.discount] if terms.discount else []
    line["discount_amounts"] = [{"amount": amount, "discount": terms.discount}] if terms.discount else []
    line["_net"] = line["amount"] - amount
    return world.save(_taxed(line, terms.tax))


def _taxed(line: Object, tax: Tax) -> Object:
    if tax.reason:
        behavior = line["_behavior"]
        amount = tax.on(line["_net"], behavior)
        line["taxes"] = [
            {
                "amount": amount,
                "tax_behavior": behavior,
                "tax_rate_details": None,
                "taxability_reason": tax.reason,
                "taxable_amount": line["_net"] - (amount if behavior == "inclusive" else 0),
                "type": "tax_rate_details",
            }
        ]
    return line


def _debits(world: World, item: str) -> Iterable[Debit]:
    void = {invoice["id"] for invoice in world.find("invoice", status="void")}
    of_item = [line for line in world.find("line_item", _item=item) if line["invoice"] not in void]
    credited = {line.get("_credits") for line in of_item}
    return [
        Debit(line["id"], line["invoice"] or "", line["_net"], line["period"]["start"], line["period"]["end"])
        for line in of_item
        if line["_net"] > 0 and "_meter" not in line and line["id"] not in credited
    ]


def _name(world: World, price: Object) -> str:
    product = world.known("product", price["product"])
    return str(product["name"]) if product else str(price["product"])


def _times(quantity: int) -> str:
    return f"{quantity} × " if quantity != 1 else ""


def _day(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%-d %b %Y}"


def _every(price: Object) -> str:
    recurring = price["recurring"]
    count = recurring["interval_count"]
    return str(recurring["interval"]) if count == 1 else f"every {count} {recurring['interval']}s"
