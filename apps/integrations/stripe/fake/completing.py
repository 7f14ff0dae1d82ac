"""How a checkout session is paid: the card, the bank's question, and what is there afterwards."""

from apps.integrations.stripe.fake import orders, payments
from apps.integrations.stripe.fake.cards import Card, card_of, method_of
from apps.integrations.stripe.fake.checkout import note_totals
from apps.integrations.stripe.fake.customers import attach, present
from apps.integrations.stripe.fake.errors import declined
from apps.integrations.stripe.fake.orders import Order, Quote
from apps.integrations.stripe.fake.routing import provided
from apps.integrations.stripe.fake.world import Object, World

_PLACEHOLDER = "{CHECKOUT_SESSION_ID}"


def quote_of(world: World, session: Object, country: str = "") -> Quote:
    """What it costs now, for somebody in this country."""
    with orders.supposing(world, session["customer"], country):
        return orders.quote(world, Order(**session["_order"]))


def submit(world: World, session: Object, card: Card | None, country: str = "") -> str:
    """Pay with a card (None where nothing is due). Answers where the browser goes; a refusal of the card is raised."""
    customer = present(world, session["customer"])
    if country and session["_asks_address"]:
        orders.locate(world, customer, country)
    method = method_of(world, card, customer) if card else None
    if card and method and card.asks:
        session["_method"] = method["id"]
        world.save(session)
        if session["mode"] == "payment":
            payments.attempt(world, _intent_of(world, session), method, off_session=False)
        return f"/pay/{session['id']}/authenticate"
    return _complete(world, session, method)


def authenticated(world: World, session: Object, *, succeeded: bool) -> str:
    """Go on after the bank asked who is paying. Answers where the browser goes."""
    method = world.get("payment_method", session["_method"])
    session["_method"] = None
    if succeeded:
        method["_authenticated"] = True
        world.save(method)
        return _complete(world, session, method)
    if session["mode"] == "payment":
        payments.give_up_authentication(world, _intent_of(world, session), method)
    world.save(session)
    raise declined("authentication_failed")


def _complete(world: World, session: Object, method: Object | None) -> str:
    order = Order(**session["_order"])
    note_totals(world, session, orders.quote(world, order))
    if order.mode == "subscription":
        _subscribe(world, session, order, method)
    else:
        _take_payment(world, session, order, method)
    customer = world.get("customer", session["customer"])
    session.update(
        status="complete",
        payment_status="paid" if session["amount_total"] else "no_payment_required",
        url=None,
        customer_details=_details(world, customer),
        collected_information={"business_name": None, "individual_name": None, "shipping_details": None},
    )
    world.save(session)
    world.emit("checkout.session.completed", session)
    return success_address(session)


def _subscribe(world: World, session: Object, order: Order, method: Object | None) -> None:
    start = provided("subscriptions.start")
    subscription = start(world, **order.of_subscription(), payment_method=method["id"] if method else "")
    if method:
        attach(world, method, world.get("customer", order.customer))
    session.update(subscription=subscription["id"], invoice=subscription["latest_invoice"])
    if invoice := world.known("invoice", subscription["latest_invoice"]):
        session["amount_total"] = invoice["total"]


def _take_payment(world: World, session: Object, order: Order, method: Object | None) -> None:
    intent = None
    if session["amount_total"] and method:
        intent = payments.attempt(world, _intent_of(world, session), method, off_session=False)
        if intent["status"] != "succeeded":
            raise declined(card_of(method).decline)
        if order.keeps_method:
            attach(world, method, world.get("customer", order.customer))
    orders.count_coupon(world, order)
    if order.makes_invoice:
        session["invoice"] = orders.bill(world, order, intent)["id"]


def _intent_of(world: World, session: Object) -> Object:
    """The session's payment intent, which one attempt after the other uses."""
    order, amount = Order(**session["_order"]), quote_of(world, session).total
    if known := world.known("payment_intent", session["payment_intent"]):
        if known["amount"] != amount:  # the customer said meanwhile where the tax is due
            known["amount"] = amount
            world.save(known)
        return known
    intent = payments.intend(
        world,
        customer=order.customer,
        amount=amount,
        currency=session["currency"],
        metadata=order.metadata,
        description=order.description,
    )
    session["payment_intent"] = intent["id"]
    world.save(session)
    return intent


def _details(world: World, customer: Object) -> Object:
    return {
        "address": customer["address"],
        "business_name": None,
        "email": customer["email"],
        "individual_name": None,
        "name": customer["name"],
        "phone": customer["phone"],
        "tax_exempt": customer["tax_exempt"],
        "tax_ids": [
            {"type": one["type"], "value": one["value"]} for one in world.find("tax_id", customer=customer["id"])
        ],
    }


def success_address(session: Object) -> str:
    """Where a customer who has paid is sent."""
    return str(session["success_url"]).replace(_PLACEHOLDER, session["id"])
