"""Changes of a subscription: other items, an earlier end, the end of a trial; and what they would cost (previews)."""

from dataclasses import dataclass

from apps.integrations.stripe.fake import collecting, lines
from apps.integrations.stripe.fake.errors import invalid
from apps.integrations.stripe.fake.items import (
    add_item,
    check_price,
    check_quantity,
    is_metered,
    items_of,
    period_now,
    refreshed,
    rhythm,
    whole_period,
)
from apps.integrations.stripe.fake.params import MOST_QUANTITY, Params
from apps.integrations.stripe.fake.proration import part
from apps.integrations.stripe.fake.renewals import end_trial, renew
from apps.integrations.stripe.fake.routing import route
from apps.integrations.stripe.fake.subscriptions import bill, empty, keep, tell, terms_of, trying
from apps.integrations.stripe.fake.world import Object, World, shown

PENDING_LASTS = 23 * 3600
_PRORATIONS = ("create_prorations", "always_invoice", "none")
_PAYMENTS = ("allow_incomplete", "error_if_incomplete", "pending_if_incomplete")
_MAY_PEND = {
    "items", "payment_behavior", "proration_behavior", "proration_date", "trial_end", "off_session",
}  # fmt: skip


@dataclass(frozen=True)
class Wish:
    """What is to become of one item, or (without an id) of a new one."""

    id: str
    price: str
    quantity: int | None
    deleted: bool
    path: str


@dataclass(frozen=True)
class Change:
    """A change of items or of the trial's end, made (or only tried) at a moment."""

    wishes: list[Wish]
    at: int
    prorations: str
    trial_end: int | None
    ends_trial: bool

    @property
    def is_any(self) -> bool:
        """Whether anything is to change."""
        return bool(self.wishes or self.trial_end or self.ends_trial)


@route("POST", "/v1/subscriptions/{subscription}")
def update(world: World, params: Params, subscription: str) -> Object:
    """Change it. What is due at once is taken before anything is changed, where a failure is to change nothing."""
    known = world.get("subscription", subscription, "id", in_path=True)
    if known["ended_at"]:
        raise invalid("A canceled subscription can only update its cancellation_details and metadata.")
    behavior = params.choice("payment_behavior", _PAYMENTS, "allow_incomplete")
    if behavior == "pending_if_incomplete" and (others := sorted(set(params.names()) - _MAY_PEND)):
        raise invalid(
            f"The following parameters are not supported when `payment_behavior=pending_if_incomplete`: {others}",
            "payment_behavior",
        )
    params.boolean("off_session")
    change = _read(world, params, known)
    before = shown(known)
    due: Object | None = None
    with trying(world):
        _set_plain(world, params, known)
        params.refuse_rest()  # before money is taken
        if invoice := _apply(world, known, change):
            due = shown(invoice)
    intent: Object | None = None
    if due:
        method = collecting.method_for(world, known)
        intent = collecting.try_first(world, due, method, off_session=True, description="Subscription update")
        if behavior == "error_if_incomplete":
            collecting.refuse_unpaid(due, intent)
    _set_plain(world, params, known)
    if invoice := _apply(world, known, change):
        is_paid = not invoice["amount_due"] or (intent and intent["status"] == "succeeded")
        if behavior == "pending_if_incomplete" and not is_paid:
            _set_apart(world, known, before, change, invoice)
        collecting.publish(world, invoice, intent)
    tell(world, known, before)
    return refreshed(world, known)


@route("POST", "/v1/invoices/create_preview")
def preview(world: World, params: Params) -> Object:
    """The invoice that a change would make; without a change, the one of the next renewal."""
    known = world.get("subscription", params.text("subscription", required=True), "subscription")
    if (customer := params.text("customer")) and customer != known["customer"]:
        raise invalid(f"No such subscription: '{known['id']}'", "subscription", "resource_missing")
    if known["ended_at"]:
        raise invalid("The subscription is canceled: it will have no further invoice.", "", "invoice_upcoming_none")
    change = _read(world, params.child("subscription_details"), known)
    params.refuse_rest()
    found: Object = {}
    with trying(world):
        if change.is_any and (change.prorations == "always_invoice" or change.ends_trial):
            invoice = _apply(world, known, change) or empty(world, known)
        else:
            _apply(world, known, change)
            invoice = renew(world, known) or empty(world, known)
        found.update(shown(invoice))
    return found | {"id": world.new_id("upcoming_in")}


def _set_apart(world: World, subscription: Object, before: Object, change: Change, invoice: Object) -> None:
    """Keep what is wanted apart until its invoice is paid: for 23 hours."""
    wanted = subscription["items"]
    subscription.update(
        items=before["items"],
        status=before["status"],
        trial_end=before["trial_end"],
        pending_update={
            "billing_cycle_anchor": None,
            "expires_at": world.now() + PENDING_LASTS,
            "subscription_items": shown(wanted["data"]),
            "trial_end": change.trial_end,
            "trial_from_plan": None,
        },
        _pending={"items": wanted, "invoice": invoice["id"], "trial_end": change.trial_end},
    )
    keep(world, subscription)


def _apply(world: World, subscription: Object, change: Change) -> Object | None:
    """Make the change, and the draft of what it costs at once."""
    if change.wishes:
        _change_items(world, subscription, change)
    now = world.now()
    if change.trial_end:
        subscription["trial_end"] = change.trial_end
        for item in items_of(subscription):
            item["current_period_end"] = change.trial_end
    if change.ends_trial:
        invoice = end_trial(world, subscription, "subscription_update")
    elif change.prorations == "always_invoice":
        invoice = bill(world, subscription, "subscription_update", (now, now), proration_date=change.at)
    else:
        invoice = None
    keep(world, subscription)
    return invoice


def _change_items(world: World, subscription: Object, change: Change) -> None:
    period, whole = period_now(subscription), whole_period(subscription)
    every = rhythm(items_of(subscription)[0]["price"])
    for wish in sorted(change.wishes, key=lambda one: not one.deleted):  # who goes makes room first
        item = _item(subscription, wish) if wish.id else None
        if item is None:
            price = world.get("price", wish.price, f"{wish.path}[price]")
            new = add_item(world, subscription, price, wish.quantity, period)
            _debit(world, subscription, new, change, whole)
        elif wish.deleted:
            _credit(world, subscription, item, change)
            items_of(subscription).remove(item)
        else:
            _change_item(world, subscription, item, wish, change, whole)
    if not items_of(subscription):
        raise invalid(
            "A subscription must have at least one active plan. To cancel the subscription, use the cancel endpoint.",
            "items",
        )
    if rhythm(items_of(subscription)[0]["price"]) != every:
        raise invalid("Test payments know no change of a subscription's interval.", "items")


def _change_item(
    world: World, subscription: Object, item: Object, wish: Wish, change: Change, whole: tuple[int, int]
) -> None:
    price = world.get("price", wish.price or item["price"]["id"], f"{wish.path}[price]")
    asked = item.get("quantity") if wish.quantity is None and not price["recurring"]["meter"] else wish.quantity
    quantity = check_quantity(price, asked)
    is_same = price["id"] == item["price"]["id"]
    if is_same and quantity == item.get("quantity", 0):
        return
    place = items_of(subscription).index(item)
    items_of(subscription).remove(item)
    if not is_same:
        check_price(subscription, price)
    items_of(subscription).insert(place, item)
    _credit(world, subscription, item, change)
    item["price"] = shown(price)
    item.pop("quantity", None)
    if not is_metered(item):
        item["quantity"] = quantity
    item["billed_until"] = world.now() if is_metered(item) else item["current_period_end"]
    _debit(world, subscription, item, change, whole)


def _credit(world: World, subscription: Object, item: Object, change: Change) -> None:
    if change.prorations == "none":
        return
    if is_metered(item):
        if subscription["status"] != "trialing":
            lines.used(world, terms_of(world, subscription), item, world.now(), removed=True)
    else:
        lines.unused(world, terms_of(world, subscription), item, change.at)


def _debit(world: World, subscription: Object, item: Object, change: Change, whole: tuple[int, int]) -> None:
    if change.prorations == "none" or is_metered(item) or subscription["status"] == "trialing":
        return
    period = (change.at, item["current_period_end"])
    lines.remaining(world, terms_of(world, subscription), item, period, part(*period, whole))


# Reading ------------------------------------------------------------------------------------------------------------
def _read(world: World, params: Params, subscription: Object) -> Change:
    wishes = [_wish(one) for one in params.children("items")]
    now = world.now()
    prorations = params.choice("proration_behavior", _PRORATIONS, "create_prorations")
    at = params.moment("proration_date")
    start, end = period_now(subscription)
    at = None if at is None else at + world.skipped
    if at is not None and not start <= at < end:
        raise invalid(
            f"Invalid proration date: {at} is not within the current period, from {start} to {end}.",
            params.path("proration_date"),
        )
    ends_trial = params.text("trial_end") == "now"
    trial_end = None if ends_trial else params.moment("trial_end")
    if (ends_trial or trial_end) and subscription["status"] != "trialing":
        raise invalid("Test payments know trials from the start of a subscription only.", params.path("trial_end"))
    if trial_end and trial_end <= now:
        raise invalid("Invalid timestamp: must be an integer Unix timestamp in the future.", params.path("trial_end"))
    return Change(wishes, now if at is None else at, prorations, trial_end, ends_trial)


def _wish(params: Params) -> Wish:
    if params.has("clear_usage"):
        raise invalid(
            "With `billing_mode.type=flexible` set on a subscription, the following parameters are not supported: "
            "`clear_usage`",
            params.path("clear_usage"),
        )
    quantity = params.integer("quantity", 1, most=MOST_QUANTITY) if params.has("quantity") else None
    wish = Wish(
        params.text("id"), params.text("price"), quantity, params.boolean("deleted"), params.path("id")[: -len("[id]")]
    )
    if not wish.id and not wish.price:
        raise invalid("You must pass either `id` or `price`.", wish.path, "parameter_missing")
    return wish


def _item(subscription: Object, wish: Wish) -> Object:
    for item in items_of(subscription):
        if item["id"] == wish.id:
            return item
    raise invalid(f"No such subscription item: '{wish.id}'", f"{wish.path}[id]", "resource_missing")


def _set_plain(world: World, params: Params, subscription: Object) -> None:
    if params.has("metadata"):
        subscription["metadata"] = params.metadata(subscription["metadata"])
    if params.has("description"):
        subscription["description"] = params.text("description") or None
    if method := params.text("default_payment_method"):
        owned = world.known("payment_method", method)
        if owned is None or owned["customer"] != subscription["customer"]:
            raise invalid(f"No such PaymentMethod: '{method}'", "default_payment_method", "resource_missing")
        subscription["default_payment_method"] = method
    details = subscription["cancellation_details"]
    told = params.child("cancellation_details")
    for name in ("comment", "feedback"):
        if told.has(name):
            details[name] = told.text(name) or None
    if params.has("cancel_at_period_end") and params.has("cancel_at"):
        raise invalid("You may only specify one of these parameters: cancel_at, cancel_at_period_end.", "cancel_at")
    if params.has("cancel_at_period_end"):
        ends = params.boolean("cancel_at_period_end")
        _set_end(world, subscription, period_now(subscription)[1] if ends else None, at_period_end=ends)
    if params.has("cancel_at"):
        moment = params.moment("cancel_at")
        if moment is not None and moment <= world.now():
            raise invalid("`cancel_at` must be in the future.", "cancel_at")
        _set_end(world, subscription, moment, at_period_end=moment == period_now(subscription)[1])
    keep(world, subscription)


def _set_end(world: World, subscription: Object, moment: int | None, *, at_period_end: bool) -> None:
    subscription.update(
        cancel_at=moment,
        cancel_at_period_end=at_period_end,
        canceled_at=None if moment is None else subscription["canceled_at"] or world.now(),
    )
    subscription["cancellation_details"]["reason"] = None if moment is None else "cancellation_requested"
