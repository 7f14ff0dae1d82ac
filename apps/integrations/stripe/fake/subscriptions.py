"""Subscriptions: begun by a checkout, read, ended. `changes.py` changes them, `renewals.py` goes on with them.

They are billed in Stripe's flexible mode, the default of its API version: credits give back what was really taken,
removed metered items are billed at once, and `clear_usage` is refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from apps.integrations.stripe.fake import collecting, discounts, invoices, lines
from apps.integrations.stripe.fake.customers import settle_currency
from apps.integrations.stripe.fake.errors import invalid
from apps.integrations.stripe.fake.items import add_item, check_quantity, is_metered, items_of, refreshed, rhythm
from apps.integrations.stripe.fake.params import Params
from apps.integrations.stripe.fake.periods import period_of, shifted
from apps.integrations.stripe.fake.proration import WHOLE, part
from apps.integrations.stripe.fake.routing import list_of, page_of, provides, route
from apps.integrations.stripe.fake.taxes import tax_for
from apps.integrations.stripe.fake.world import Object, World, shown

STATUSES = ("active", "canceled", "incomplete", "incomplete_expired", "past_due", "paused", "trialing", "unpaid")
LIVING = ("active", "trialing", "past_due")
DAY = 24 * 3600


class _UndoneError(Exception):
    """What was done to see what would come of it is undone."""


@contextmanager
def trying(world: World) -> Iterator[None]:
    """Do a thing only to see what would come of it: nothing of the block stays."""
    try:
        with world.atomic():
            yield
            raise _UndoneError
    except _UndoneError:
        return


@provides("subscriptions.start")
def start(world: World, *, payment_method: str, **order: Any) -> Object:
    """A subscription as a completed checkout makes it. Where its first invoice can't be paid there is none."""
    first, intent = quote(world, **order), None
    if first:
        payer = world.get("customer", first["customer"])
        method = payment_method or payer["invoice_settings"]["default_payment_method"] or ""
        intent = collecting.try_first(world, first, method, off_session=False, description="Subscription creation")
        collecting.refuse_unpaid(first, intent)
    subscription, invoice = _begin(world, payment_method=payment_method, **order)
    world.emit("customer.subscription.created", keep(world, subscription))
    if invoice:
        collecting.publish(world, invoice, intent)
    return subscription


@provides("subscriptions.quote")
def quote(world: World, **order: Any) -> Object | None:
    """Its first invoice as it would be, or nothing where nothing would be billed yet."""
    first: Object = {}
    with trying(world):
        _, invoice = _begin(world, **order)
        first.update(shown(invoice or {}))
    return first or None


def _begin(
    world: World,
    *,
    customer: str,
    prices: list[dict[str, Any]],
    anchor: int | None = None,
    trial_days: int = 0,
    coupon: str = "",
    metadata: dict[str, str] | None = None,
    automatic_tax: bool = False,
    payment_method: str = "",
) -> tuple[Object, Object | None]:
    now = world.now()
    payer = world.get("customer", customer, "customer")
    wanted = [(world.get("price", one["price"], "price"), one.get("quantity")) for one in prices]
    recurring = [(price, quantity) for price, quantity in wanted if price["recurring"]]
    if not recurring:
        raise invalid("You must provide at least one recurring price in `subscription` mode.", "line_items")
    currency = str(recurring[0][0]["currency"])
    settle_currency(world, payer, currency)
    interval, every = rhythm(recurring[0][0])
    trial_end = now + trial_days * DAY if trial_days else None
    begins = trial_end or now
    if anchor is not None and not now < anchor <= shifted(begins, interval, every):
        raise invalid(
            "`billing_cycle_anchor` must be in the future and not later than the next natural billing date.",
            "billing_cycle_anchor",
        )
    anchor = begins if anchor is None else anchor
    whole = period_of(anchor, interval, every, now)
    period = (now, trial_end or whole[1])
    subscription = world.add(_shape(world, payer, currency, anchor, automatic_tax, metadata or {}, payment_method))
    subscription.update(trial_start=now if trial_end else None, trial_end=trial_end)
    subscription["status"] = "trialing" if trial_end else "active"
    for price, quantity in recurring:
        add_item(world, subscription, price, quantity, period)
    if coupon:
        discount = discounts.grant(world, coupon, payer, subscription=subscription["id"])
        subscription["discounts"] = [discount["id"]]
    terms = terms_of(world, subscription)
    share = WHOLE if whole[0] == now else part(now, whole[1], whole)
    for item in items_of(subscription):
        if not is_metered(item):
            lines.licensed(world, terms, item, period, share, free=bool(trial_end))
    for price, quantity in wanted:
        if not price["recurring"]:
            lines.once(world, terms, price, check_quantity(price, quantity), now)
    return keep(world, subscription), bill(world, subscription, "subscription_create", (now, now))


def bill(world: World, subscription: Object, reason: str, period: tuple[int, int], **more: Any) -> Object | None:
    """A draft of the lines that wait; none where there are none. A discount for once is used up."""
    found = lines.waiting(world, subscription["id"])
    if not found:
        return None
    customer = world.get("customer", subscription["customer"])
    terms = terms_of(world, subscription)
    invoice = invoices.draft(
        world, customer, terms, found, reason=reason, period=period, subscription=subscription, **more
    )
    subscription["latest_invoice"] = invoice["id"]
    discount = _discount_of(world, subscription)
    if discount and discount["_duration"] == "once" and any(one["amount"] for one in invoice["total_discount_amounts"]):
        subscription["discounts"] = []
    keep(world, subscription)
    return invoice


def empty(world: World, subscription: Object) -> Object:
    """A draft that asks for nothing."""
    now = world.now()
    return invoices.draft(
        world, world.get("customer", subscription["customer"]), terms_of(world, subscription), [],
        reason="subscription_update", period=(now, now), subscription=subscription,
    )  # fmt: skip


@provides("subscriptions.end")
def end(world: World, subscription: Object, reason: str = "cancellation_requested") -> Object:
    """It is over, from now on. What it still owes stays open, and isn't tried again."""
    now = world.now()
    subscription.update(status="canceled", ended_at=now, canceled_at=subscription["canceled_at"] or now)
    subscription["cancellation_details"]["reason"] = reason
    for invoice in world.find("invoice"):
        if invoices.subscription_of(invoice) == subscription["id"] and invoice["status"] == "open":
            invoice.update(next_payment_attempt=None, auto_advance=False)
            world.save(invoice)
    world.emit("customer.subscription.deleted", keep(world, subscription))
    return subscription


@route("GET", "/v1/subscriptions")
def many(world: World, params: Params) -> Object:
    """Subscriptions, the latest first: those that have ended only where they are asked for."""
    equal: dict[str, Any] = {}
    if customer := params.text("customer"):
        equal["customer"] = world.get("customer", customer, "customer")["id"]
    status = params.choice("status", [*STATUSES, "all", "ended"])
    found = world.find("subscription", **equal)
    if status == "ended":
        found = [one for one in found if one["ended_at"]]
    elif status != "all":
        found = [one for one in found if (one["status"] == status if status else not one["ended_at"])]
    if price := params.text("price"):
        found = [one for one in found if any(item["price"]["id"] == price for item in items_of(one))]
    return page_of(world, params, [refreshed(world, one) for one in found], "/v1/subscriptions")


@route("GET", "/v1/subscriptions/{subscription}")
def one(world: World, params: Params, subscription: str) -> Object:
    """A subscription, ended ones too."""
    return refreshed(world, world.get("subscription", subscription, "id", in_path=True))


@route("DELETE", "/v1/subscriptions/{subscription}")
def cancel(world: World, params: Params, subscription: str) -> Object:
    """End it at once: `prorate` gives back the rest, `invoice_now` bills usage and what waits."""
    known = world.get("subscription", subscription, "id", in_path=True)
    if known["ended_at"]:
        raise invalid(f"No such subscription: '{subscription}'", "id", "resource_missing")
    told = params.child("cancellation_details")
    known["cancellation_details"].update(comment=told.text("comment") or None, feedback=told.text("feedback") or None)
    now = world.now()
    if params.boolean("prorate"):
        for item in items_of(known):
            lines.unused(world, terms_of(world, known), item, now)
    if params.boolean("invoice_now"):
        bill_usage(world, known, now)
        if invoice := bill(world, known, "subscription_update", (now, now)):
            method = collecting.method_for(world, known)
            intent = collecting.try_first(world, invoice, method, off_session=True, description="Subscription update")
            collecting.publish(world, invoice, intent)
    return end(world, known)


def bill_usage(world: World, subscription: Object, until: int) -> None:
    """Lines for what its metered items used and nobody billed. A trial's usage is free."""
    for item in items_of(subscription):
        if is_metered(item):
            if subscription["status"] != "trialing":
                lines.used(world, terms_of(world, subscription), item, until)
            item["billed_until"] = until


# Keeping ------------------------------------------------------------------------------------------------------------
def terms_of(world: World, subscription: Object) -> lines.Terms:
    """The terms of its next invoice."""
    customer = world.get("customer", subscription["customer"])
    tax = tax_for(world, customer, automatic=subscription["automatic_tax"]["enabled"])
    discount = _discount_of(world, subscription)
    return invoices.terms_for(customer, subscription["currency"], tax, subscription["id"], discount)


def keep(world: World, subscription: Object) -> Object:
    """Save it."""
    return world.save(refreshed(world, subscription))


def tell(world: World, subscription: Object, before: Object) -> None:
    """Say that it was changed, and what was different before (`before` is a shown copy)."""
    now = shown(keep(world, subscription))
    if changed := {name: value for name, value in before.items() if now.get(name) != value}:
        world.emit("customer.subscription.updated", subscription, changed)


def _discount_of(world: World, subscription: Object) -> Object | None:
    return world.get("discount", subscription["discounts"][0]) if subscription["discounts"] else None


def _shape(
    world: World,
    customer: Object,
    currency: str,
    anchor: int,
    automatic_tax: bool,
    metadata: dict[str, str],
    payment_method: str,
) -> Object:
    subscription_id = world.new_id("sub")
    now = world.now()
    return {
        "object": "subscription",
        "id": subscription_id,
        "application": None,
        "application_fee_percent": None,
        "automatic_tax": {
            "disabled_reason": None,
            "enabled": automatic_tax,
            "liability": {"type": "self"} if automatic_tax else None,
        },
        "billing_cycle_anchor": anchor,
        "billing_cycle_anchor_config": None,
        "billing_mode": {"flexible": {"proration_discounts": "included"}, "type": "flexible", "updated_at": now},
        "billing_schedules": [],
        "billing_thresholds": None,
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "cancellation_details": {"comment": None, "feedback": None, "feedback_option": None, "reason": None},
        "collection_method": "charge_automatically",
        "created": now,
        "currency": currency,
        "customer": customer["id"],
        "customer_account": None,
        "days_until_due": None,
        "default_payment_method": payment_method or None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "ended_at": None,
        "invoice_settings": {
            "account_tax_ids": None, "custom_fields": None, "description": None, "footer": None,
            "issuer": {"type": "self"},
        },
        "items": list_of([], f"/v1/subscription_items?subscription={subscription_id}"),
        "latest_invoice": None,
        "livemode": False,
        "managed_payments": None,
        "metadata": metadata,
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": None,
        "payment_settings": {
            "payment_method_options": None, "payment_method_types": None, "save_default_payment_method": "off",
        },
        "pending_invoice_item_interval": None,
        "pending_setup_intent": None,
        "pending_update": None,
        "presentment_details": None,
        "schedule": None,
        "start_date": now,
        "status": "active",
        "test_clock": None,
        "transfer_data": None,
        "trial_end": None,
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
        "trial_start": None,
    }  # fmt: skip
