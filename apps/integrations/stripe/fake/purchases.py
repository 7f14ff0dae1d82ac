"""Invoices of what was bought once: made when it is paid."""

from typing import Any

from apps.integrations.stripe.fake import collecting, discounts, invoices, lines
from apps.integrations.stripe.fake.routing import provides
from apps.integrations.stripe.fake.taxes import tax_for
from apps.integrations.stripe.fake.world import Object, World


@provides("invoices.once")
def once(
    world: World,
    *,
    customer: str,
    prices: list[dict[str, Any]],
    coupon: str,
    automatic_tax: bool,
    metadata: dict[str, str],
    intent: Object | None,
) -> Object:
    """The invoice of a checkout that was paid with this intent (None where nothing was due)."""
    now = world.now()
    payer = world.get("customer", customer, "customer")
    wanted = [(world.get("price", one["price"], "price"), one["quantity"]) for one in prices]
    discount = discounts.grant(world, coupon, payer, counts=False) if coupon else None
    tax = tax_for(world, payer, automatic=automatic_tax)
    terms = invoices.terms_for(payer, wanted[0][0]["currency"], tax, discount=discount)
    found = [lines.once(world, terms, price, quantity, now) for price, quantity in wanted]
    invoice = invoices.draft(
        world, payer, terms, found, reason="manual", period=(now, now), subscription=None, automatic_tax=automatic_tax
    )
    invoice["metadata"] = dict(metadata)
    if discount:
        discount["invoice"] = invoice["id"]
        world.save(discount)
    return collecting.publish(world, world.save(invoice), intent)
