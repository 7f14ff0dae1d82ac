"""What falls due by itself: renewals, ends of trials and of subscriptions, invoices that become final, retries."""

from collections.abc import Callable, Iterable

from apps.integrations.stripe.fake import collecting, invoices, lines
from apps.integrations.stripe.fake.items import is_metered, items_of, period_now, rhythm
from apps.integrations.stripe.fake.periods import period_of
from apps.integrations.stripe.fake.proration import WHOLE, part
from apps.integrations.stripe.fake.subscriptions import LIVING, bill, bill_usage, end, keep, tell, terms_of
from apps.integrations.stripe.fake.world import DUE, Due, Object, World, shown

DRAFT_LASTS = 3600  # seconds that a renewal's invoice waits for late usage
WARNS_BEFORE = 3 * 24 * 3600

Found = tuple[int, Object]


def renew(world: World, subscription: Object) -> Object | None:
    """Go on to the next period: a draft of what it costs, with the usage of the one that ends."""
    start, now = period_now(subscription)
    bill_usage(world, subscription, now)
    trial_ended = subscription["status"] == "trialing"
    if trial_ended:
        subscription["status"] = "active"
    _enter(world, subscription, now, partly=trial_ended)
    return bill(world, subscription, "subscription_cycle", (start, now), finalizes_at=now + DRAFT_LASTS)


def end_trial(world: World, subscription: Object, reason: str) -> Object | None:
    """End a trial at once: what it costs from now on until its anchor."""
    now = world.now()
    start, _ = period_now(subscription)
    bill_usage(world, subscription, now)
    subscription.update(status="active", trial_end=now)
    _enter(world, subscription, now, partly=True)
    return bill(world, subscription, reason, (start, now))


def _enter(world: World, subscription: Object, at: int, *, partly: bool) -> None:
    """Put its items into the period that begins then. After a trial that is a part of one, up to the anchor."""
    interval, every = rhythm(items_of(subscription)[0]["price"])
    whole = period_of(subscription["billing_cycle_anchor"], interval, every, at)
    period = (at, whole[1])
    share = part(*period, whole) if partly else WHOLE
    terms = terms_of(world, subscription)
    for item in items_of(subscription):
        item["current_period_start"], item["current_period_end"] = period
        if not is_metered(item):
            item["billed_until"] = period[1]
            lines.licensed(world, terms, item, period, share)
    keep(world, subscription)


def _turn(world: World, subscription: Object) -> None:
    if subscription.get("_pending"):
        _give_up(world, subscription)  # it was wanted for the period that ends
    before = shown(subscription)
    if subscription["cancel_at"] and subscription["cancel_at"] <= world.now():
        now = world.now()
        start, _ = period_now(subscription)
        bill_usage(world, subscription, now)
        invoice = bill(world, subscription, "subscription_cycle", (start, now), finalizes_at=now + DRAFT_LASTS)
        if invoice:
            world.emit("invoice.created", invoice)
        end(world, subscription)
        return
    invoice = renew(world, subscription)
    if invoice:
        world.emit("invoice.created", invoice)
    tell(world, subscription, before)


def _finish(world: World, invoice: Object) -> None:
    invoices.recount(world, invoice)
    invoices.issue(world, invoice)
    collecting.collect(world, invoice)


def _warn(world: World, subscription: Object) -> None:
    subscription["_warned"] = True
    world.emit("customer.subscription.trial_will_end", world.save(subscription))


def _give_up(world: World, subscription: Object) -> None:
    pending = subscription.pop("_pending")
    invoices.void(world, world.get("invoice", pending["invoice"]))
    world.update(subscription, "customer.subscription.updated", pending_update=None)
    world.emit("customer.subscription.pending_update_expired", subscription)


# When ---------------------------------------------------------------------------------------------------------------
def _turns(world: World) -> Iterable[Found]:
    for one in _living(world):
        yield min(period_now(one)[1], one["cancel_at"] or period_now(one)[1]), one


def _drafts(world: World) -> Iterable[Found]:
    for one in world.find("invoice", status="draft"):
        if one["automatically_finalizes_at"]:
            yield one["automatically_finalizes_at"], one


def _retries(world: World) -> Iterable[Found]:
    for one in world.find("invoice", status="open"):
        if one["next_payment_attempt"]:
            yield one["next_payment_attempt"], one


def _warnings(world: World) -> Iterable[Found]:
    for one in world.find("subscription", status="trialing"):
        if not one.get("_warned"):
            yield max(one["trial_end"] - WARNS_BEFORE, one["created"]), one


def _expiries(world: World) -> Iterable[Found]:
    for one in _living(world):
        if one.get("_pending"):
            yield one["pending_update"]["expires_at"], one


def _living(world: World) -> list[Object]:
    return [one for one in world.find("subscription") if one["status"] in LIVING]


def _due(found: Callable[[World], Iterable[Found]], happen: Callable[[World, Object], None]) -> Due:
    """The earliest of these, one at a time."""

    def at(world: World) -> int | None:
        return min((moment for moment, _ in found(world)), default=None)

    def do(world: World) -> None:
        happen(world, min(found(world), key=lambda one: one[0])[1])

    return Due(at, do)


DUE += [
    _due(_warnings, _warn),
    _due(_expiries, _give_up),
    _due(_drafts, _finish),
    _due(_retries, collecting.retry),
    _due(_turns, _turn),
]
