"""Coupons that somebody has: discounts, which keep what their coupon gave."""

from apps.integrations.stripe.fake.catalogue import redeem, redeemable
from apps.integrations.stripe.fake.errors import invalid
from apps.integrations.stripe.fake.world import Object, World


def grant(
    world: World, coupon: str, customer: Object, *, subscription: str | None = None, counts: bool = True
) -> Object:
    """Give a customer what a coupon promises; `counts` where nobody else counts it as redeemed."""
    promised = redeemable(world, coupon, "coupon") if counts else world.get("coupon", coupon, "coupon")
    if promised["percent_off"] is None:
        raise invalid("Test payments know coupons in percent only.", "coupon")
    if counts:
        redeem(world, promised)
    discount = world.add(
        {
            "object": "discount",
            "id": world.new_id("di"),
            "checkout_session": None,
            "customer": customer["id"],
            "customer_account": None,
            "end": None,
            "invoice": None,
            "invoice_item": None,
            "promotion_code": None,
            "source": {"coupon": promised["id"], "type": "coupon"},
            "start": world.now(),
            "subscription": subscription,
            "subscription_item": None,
            "_percent": str(promised["percent_off"]),
            "_duration": promised["duration"],
        }
    )
    if subscription:
        world.emit("customer.discount.created", discount)
    return discount
