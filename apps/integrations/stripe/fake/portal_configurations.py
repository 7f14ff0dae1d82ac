"""What the customer portal may be used for: configurations, the latest first when they are listed."""

from apps.integrations.stripe.fake.errors import invalid
from apps.integrations.stripe.fake.params import Params
from apps.integrations.stripe.fake.routing import page_of, route
from apps.integrations.stripe.fake.world import Object, World

KIND = "billing_portal.configuration"
_UPDATES = ("address", "email", "name", "phone", "shipping", "tax_id")


@route("POST", "/v1/billing_portal/configurations")
def create(world: World, params: Params) -> Object:
    """One more. Plans are neither changed nor ended at these pages: what lets people do so is refused."""
    features = params.child("features")
    customer = features.child("customer_update")
    updates = customer.texts("allowed_updates")
    for at, name in enumerate(updates):
        if name not in _UPDATES:
            raise invalid(f"Invalid value: {name}", f"features[customer_update][allowed_updates][{at}]")
    for name in ("subscription_cancel", "subscription_update"):
        if features.child(name).boolean("enabled"):
            raise invalid(f"Test payments know no portal with `{name}`.", f"features[{name}][enabled]")
    return world.add(
        _shape(
            world,
            metadata=params.metadata(),
            updates=updates if customer.boolean("enabled") else [],
            invoices=features.child("invoice_history").boolean("enabled"),
            cards=features.child("payment_method_update").boolean("enabled"),
        )
    )


@route("GET", "/v1/billing_portal/configurations")
def many(world: World, params: Params) -> Object:
    """Configurations, all or the active ones."""
    found = world.find(KIND)
    if params.has("active"):
        active = params.boolean("active")
        found = [one for one in found if one["active"] is active]
    return page_of(world, params, found, "/v1/billing_portal/configurations")


def default(world: World) -> Object:
    """The account's own, for a portal that names none."""
    for one in world.find(KIND, is_default=True):
        return one
    return world.add(_shape(world, metadata={}, updates=["address", "tax_id"], invoices=True, cards=True, default=True))


def _shape(
    world: World, *, metadata: dict[str, str], updates: list[str], invoices: bool, cards: bool, default: bool = False
) -> Object:
    return {
        "id": world.new_id("bpc"),
        "object": KIND,
        "active": True,
        "application": None,
        "business_profile": {"headline": None, "privacy_policy_url": None, "terms_of_service_url": None},
        "created": world.now(),
        "default_return_url": None,
        "features": {
            "customer_update": {"allowed_updates": updates, "enabled": bool(updates)},
            "invoice_history": {"enabled": invoices},
            "payment_method_update": {"enabled": cards, "payment_method_configuration": None},
            "subscription_cancel": {
                "cancellation_reason": {"enabled": False, "options": []},
                "enabled": False,
                "mode": "at_period_end",
                "proration_behavior": "none",
            },
            "subscription_update": {
                "billing_cycle_anchor": None,
                "default_allowed_updates": [],
                "enabled": False,
                "proration_behavior": "none",
                "schedule_at_period_end": {"conditions": []},
                "trial_update_behavior": "end_trial",
            },
        },
        "is_default": default,
        "livemode": False,
        "login_page": {"enabled": False, "url": None},
        "metadata": metadata,
        "name": None,
        "updated": world.now(),
    }
