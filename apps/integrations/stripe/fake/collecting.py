"""How invoices are paid: attempts on the customer's payment method, retries, and what a failure does to a subscription.

After a first failure it is tried again 3, then 5, then 7 days later; after that the subscription is over.
"""

from apps.integrations.stripe.fake import invoices
from apps.integrations.stripe.fake.errors import FakeError, invalid
from apps.integrations.stripe.fake.params import Params
from apps.integrations.stripe.fake.payments import attempt, intend, pay
from apps.integrations.stripe.fake.routing import provided, provides, route
from apps.integrations.stripe.fake.world import Object, World, shown

DAY = 24 * 3600
RETRIES = (3 * DAY, 5 * DAY, 7 * DAY)
_NO_METHOD = (
    "This customer has no attached payment source or default payment method. "
    "Please consider adding a default payment method."
)


def method_for(world: World, subscription: Object) -> str:
    """The payment method that its invoices are charged to."""
    customer = world.get("customer", subscription["customer"])
    return str(subscription["default_payment_method"] or customer["invoice_settings"]["default_payment_method"] or "")


def try_first(world: World, invoice: Object, method: str, *, off_session: bool, description: str) -> Object | None:
    """One attempt to take what an invoice will ask for; None where that is nothing, or there is nothing to charge."""
    if not invoice["amount_due"] or not method:
        return None
    return pay(
        world,
        customer=invoice["customer"],
        amount=invoice["amount_due"],
        currency=invoice["currency"],
        payment_method=method,
        off_session=off_session,
        description=description,
    )


def refuse_unpaid(invoice: Object, intent: Object | None) -> None:
    """Refuse to go on where what was due wasn't paid. The attempt stays on record."""
    if not invoice["amount_due"] or (intent and intent["status"] == "succeeded"):
        return
    if intent is None:
        raise invalid(_NO_METHOD, "", "resource_missing")
    error = intent["last_payment_error"]
    if error is None:
        raise FakeError(
            402,
            "card_error",
            "subscription_payment_intent_requires_action",
            "Payment for this subscription requires additional user action before it can be completed successfully.",
            keeps_effects=True,
            payment_intent=shown(intent),
        )
    raise FakeError(
        402,
        "card_error",
        error["code"],
        error["message"],
        keeps_effects=True,
        decline_code=error.get("decline_code"),
        payment_intent=shown(intent),
    )


def publish(world: World, invoice: Object, intent: Object | None = None) -> Object:
    """Tell of a draft, make it final at once, and say how the attempt to pay it went."""
    world.emit("invoice.created", invoice)
    invoices.issue(world, invoice)
    if intent:
        _payment_of(world, invoice, intent)
    return _conclude(world, invoice, intent)


def collect(world: World, invoice: Object) -> Object:
    """Try to take what is due of the customer who isn't there."""
    if not invoice["amount_due"]:
        return _settle(world, invoice)
    subscription = world.get("subscription", invoices.subscription_of(invoice))
    return charge(world, invoice, method_for(world, subscription), off_session=True, planned=True)


def charge(world: World, invoice: Object, method: str, *, off_session: bool, planned: bool = False) -> Object:
    """One attempt at an open invoice. Only planned ones count towards the retries."""
    known = world.known("payment_method", method)
    intent = _intent_of(world, invoice)
    if known:
        intent = attempt(world, intent, known, off_session=off_session)
    return _conclude(world, invoice, intent if known else None, planned=planned)


def retry(world: World, invoice: Object) -> None:
    """A retry that is due."""
    invoice["next_payment_attempt"] = None
    collect(world, invoice)


@route("POST", "/v1/invoices/{invoice}/pay")
def pay_invoice(world: World, params: Params, invoice: str) -> Object:
    """Try to have an open invoice paid now, with its payment method or another."""
    known = world.get("invoice", invoice, "invoice", in_path=True)
    outside = params.boolean("paid_out_of_band")
    off_session = params.boolean("off_session", True)
    method = params.text("payment_method")
    params.refuse_rest()  # before money is taken
    if known["status"] == "paid":
        raise invalid("Invoice is already paid", "", "invoice_already_paid")
    if known["status"] == "draft":
        world.emit("invoice.created", known)
        invoices.issue(world, known)
    if known["status"] not in ("open", "uncollectible"):
        raise invalid(f"You can only pay open invoices. This one is {known['status']}.")
    if outside:
        return _settle(world, known)
    if method and world.get("payment_method", method, "payment_method")["customer"] != known["customer"]:
        raise invalid("The payment method does not belong to the customer of the invoice.", "payment_method")
    subscription = world.get("subscription", invoices.subscription_of(known))
    charge(world, known, method or method_for(world, subscription), off_session=off_session)
    if known["status"] != "paid":
        payments = world.find("invoice_payment", invoice=known["id"])
        intent = world.get("payment_intent", payments[-1]["payment"]["payment_intent"]) if payments else None
        refuse_unpaid(known, intent if intent and (intent["last_payment_error"] or intent["next_action"]) else None)
    return known


@provides("invoices.intent_changed")
def intent_changed(world: World, intent: Object) -> None:
    """An intent was attempted elsewhere, as by a customer who authenticated: see to its invoice."""
    for payment in world.find("invoice_payment", status="open"):
        if payment["payment"]["payment_intent"] == intent["id"]:
            _conclude(world, world.get("invoice", payment["invoice"]), intent, planned=False)


def _conclude(world: World, invoice: Object, intent: Object | None, *, planned: bool = True) -> Object:
    if not invoice["amount_due"] or (intent and intent["status"] == "succeeded"):
        return _settle(world, invoice, intent)
    return _fail(world, invoice, intent, planned=planned)


def _settle(world: World, invoice: Object, intent: Object | None = None) -> Object:
    now = world.now()
    invoice.update(
        status="paid",
        amount_paid=invoice["amount_due"],
        amount_remaining=0,
        attempted=True,
        next_payment_attempt=None,
        attempt_count=invoice["attempt_count"] + (1 if intent else 0),
    )
    invoice["status_transitions"]["paid_at"] = now
    if intent:
        payment = _payment_of(world, invoice, intent)
        payment.update(status="paid", amount_paid=invoice["amount_due"])
        payment["status_transitions"]["paid_at"] = now
        world.emit("invoice_payment.paid", world.save(payment))
    world.save(invoice)
    world.emit("invoice.paid", invoice)
    world.emit("invoice.payment_succeeded", invoice)
    _recover(world, invoice)
    return invoice


def _fail(world: World, invoice: Object, intent: Object | None, *, planned: bool) -> Object:
    if intent and intent["status"] == "requires_action" and not planned:
        world.emit("invoice.payment_action_required", invoice)
        return invoice
    subscription = world.get("subscription", invoices.subscription_of(invoice))
    waits = _is_pending(subscription, invoice)
    if planned:
        invoice["attempt_count"] += 1
    count = invoice["attempt_count"]
    may_retry = count <= len(RETRIES) and not waits and not subscription["ended_at"]
    if planned:
        invoice["next_payment_attempt"] = world.now() + RETRIES[count - 1] if may_retry else None
    invoice["attempted"] = True
    world.save(invoice)
    needs_customer = intent is not None and (
        intent["status"] == "requires_action"
        or (intent["last_payment_error"] or {}).get("code") == "authentication_required"
    )
    if needs_customer:
        world.emit("invoice.payment_action_required", invoice)
    world.emit("invoice.payment_failed", invoice)
    if waits or subscription["ended_at"]:
        return invoice
    _set_delinquent(world, invoice, True)
    if subscription["status"] == "active":
        world.update(subscription, "customer.subscription.updated", status="past_due")
    if not may_retry and planned:
        provided("subscriptions.end")(world, subscription, "payment_failed")
    return invoice


def _recover(world: World, invoice: Object) -> None:
    if not invoice["parent"]:
        return
    subscription = world.get("subscription", invoices.subscription_of(invoice))
    if _is_pending(subscription, invoice):
        pending = subscription.pop("_pending")
        wanted = {"items": pending["items"], "pending_update": None}
        if pending["trial_end"]:
            wanted["trial_end"] = pending["trial_end"]
        world.update(subscription, "customer.subscription.updated", **wanted)
        world.emit("customer.subscription.pending_update_applied", subscription)
    others = [
        one
        for one in world.find("invoice", customer=invoice["customer"], status="open")
        if one["attempted"] and invoices.subscription_of(one) == subscription["id"]
    ]
    if not others:
        _set_delinquent(world, invoice, False)
        if subscription["status"] == "past_due":
            world.update(subscription, "customer.subscription.updated", status="active")


def _is_pending(subscription: Object, invoice: Object) -> bool:
    return bool(subscription.get("_pending")) and subscription["_pending"]["invoice"] == invoice["id"]


def _set_delinquent(world: World, invoice: Object, value: bool) -> None:
    world.update(world.get("customer", invoice["customer"]), "customer.updated", delinquent=value)


def _intent_of(world: World, invoice: Object) -> Object:
    for payment in world.find("invoice_payment", invoice=invoice["id"], status="open"):
        return world.get("payment_intent", payment["payment"]["payment_intent"])
    intent = intend(
        world,
        customer=invoice["customer"],
        amount=invoice["amount_due"],
        currency=invoice["currency"],
        description="Subscription update",
    )
    _payment_of(world, invoice, intent)
    return intent


def _payment_of(world: World, invoice: Object, intent: Object) -> Object:
    for payment in world.find("invoice_payment", invoice=invoice["id"]):
        if payment["payment"]["payment_intent"] == intent["id"]:
            return payment
    return world.add(
        {
            "object": "invoice_payment",
            "id": world.new_id("inpay"),
            "amount_paid": None,
            "amount_requested": invoice["amount_due"],
            "created": world.now(),
            "currency": invoice["currency"],
            "invoice": invoice["id"],
            "is_default": True,
            "livemode": False,
            "payment": {"payment_intent": intent["id"], "type": "payment_intent"},
            "status": "open",
            "status_transitions": {"canceled_at": None, "paid_at": None},
        }
    )
