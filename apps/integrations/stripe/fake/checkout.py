"""Checkout sessions: a payment page for one purchase, until it is paid, given up or too old."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from apps.integrations.stripe.fake import orders
from apps.integrations.stripe.fake.catalogue import redeemable
from apps.integrations.stripe.fake.customers import check_currency, present
from apps.integrations.stripe.fake.errors import invalid, missing_parameter
from apps.integrations.stripe.fake.orders import Order, Quote
from apps.integrations.stripe.fake.params import MOST_QUANTITY, Params
from apps.integrations.stripe.fake.periods import shifted
from apps.integrations.stripe.fake.routing import includes, list_of, page_of, provides, route
from apps.integrations.stripe.fake.world import DUE, Due, Object, World

KIND = "checkout.session"
_SHORTEST, _LONGEST = 30 * 60, 24 * 3600
_MOST_ITEMS = 20


# Opening ------------------------------------------------------------------------------------------------------------
@route("POST", "/v1/checkout/sessions")
def create_session(world: World, params: Params) -> Object:
    """A payment page for one purchase."""
    mode = params.choice("mode", ("payment", "subscription"), required=True)
    customer = present(world, params.text("customer", required=True))
    prices = _prices(world, params, mode)
    order = Order(
        mode=mode,
        customer=customer["id"],
        prices=prices,
        coupon=_coupon(world, params),
        automatic_tax=params.child("automatic_tax").boolean("enabled"),
        **(_subscription_data(world, params) if mode == "subscription" else _payment_data(params)),
    )
    currency = world.get("price", prices[0]["price"])["currency"]
    if mode == "subscription":
        check_currency(customer, currency)
    asks_address = params.child("customer_update").choice("address", ("auto", "never"), "never") == "auto"
    if order.automatic_tax and not asks_address and not (customer["address"] or {}).get("country"):
        raise invalid(
            "Automatic tax calculation in Checkout requires a valid address on the Customer. Add a valid address to "
            "the Customer or set `customer_update[address]` to 'auto' to save the address entered in Checkout to the "
            "Customer.",
            "automatic_tax",
            "customer_tax_location_invalid",
        )
    quote = orders.quote(world, order)
    orders.check_total(quote)
    session_id = f"cs_test_{world.new_id('x')[2:]}"
    session = world.add(
        {
            **_shape(world, session_id, mode, customer, currency),
            "cancel_url": _address(params, "cancel_url"),
            "client_reference_id": params.text("client_reference_id", most=200) or None,
            "discounts": [{"coupon": order.coupon, "promotion_code": None}] if order.coupon else [],
            "expires_at": _expires_at(world, params),
            "metadata": params.metadata(),
            "success_url": _address(params, "success_url", required=True),
            "_order": order.kept(),
            "_asks_address": asks_address,
            "_method": None,
        }
    )
    return note_totals(world, session, quote)


def _prices(world: World, params: Params, mode: str) -> list[Object]:
    found: list[Object] = []
    for item in params.children("line_items"):
        price = world.get("price", item.text("price", required=True), item.path("price"))
        if not price["active"]:
            raise invalid("The price specified is inactive. This field only accepts active prices.", item.path("price"))
        if not world.get("product", price["product"])["active"]:
            raise invalid("The price's product is inactive.", item.path("price"))
        metered = bool(price["recurring"]) and price["recurring"]["usage_type"] == "metered"
        if metered and item.has("quantity"):
            raise invalid("Quantity should not be specified where usage_type is `metered`.", item.path("quantity"))
        quantity = None if metered else item.integer("quantity", required=True, least=1, most=MOST_QUANTITY)
        if mode == "payment" and price["recurring"]:
            raise invalid("You specified `payment` mode but passed a recurring price.", item.path("price"))
        found.append({"id": world.new_id("li"), "price": price["id"], "quantity": quantity})
    if not found:
        raise missing_parameter("line_items")
    if len(found) > _MOST_ITEMS:
        raise invalid(f"A Checkout Session can have up to {_MOST_ITEMS} line items.", "line_items")
    prices = [world.get("price", one["price"]) for one in found]
    if mode == "subscription" and not any(price["recurring"] for price in prices):
        raise invalid("You must provide at least one recurring price in `subscription` mode.", "line_items")
    if len({price["currency"] for price in prices}) > 1:
        raise invalid("All prices of a Checkout Session must have the same currency.", "line_items")
    return found


def _coupon(world: World, params: Params) -> str:
    sent = params.children("discounts")
    if len(sent) > 1:
        raise invalid("You can only apply one discount to a Checkout Session.", "discounts")
    return str(redeemable(world, sent[0].text("coupon", required=True), "discounts[0][coupon]")["id"]) if sent else ""


def _subscription_data(world: World, params: Params) -> Object:
    data = params.child("subscription_data")
    days, anchor = data.integer("trial_period_days", least=1, most=730), data.moment("billing_cycle_anchor")
    if anchor is not None and days:
        raise invalid("You cannot use `billing_cycle_anchor` together with a trial.", "subscription_data")
    while anchor is not None and world.skipped and anchor <= world.now():
        anchor = shifted(anchor, "month", 1)  # the same day of the month that it is here
    if anchor is not None and anchor <= world.now():
        raise invalid("`billing_cycle_anchor` must be in the future.", data.path("billing_cycle_anchor"))
    data.choice("proration_behavior", ("create_prorations",), "create_prorations")
    return {"trial_days": days, "anchor": anchor, "metadata": data.metadata()}


def _payment_data(params: Params) -> Object:
    data, invoice = params.child("payment_intent_data"), params.child("invoice_creation")
    told = invoice.child("invoice_data")
    return {
        "metadata": data.metadata(),
        "description": data.text("description"),
        "keeps_method": data.choice("setup_future_usage", ("off_session", "on_session")) != "",
        "makes_invoice": invoice.boolean("enabled"),
        "invoice_metadata": told.metadata(),
    }


def _address(params: Params, name: str, *, required: bool = False) -> str | None:
    value = params.text(name, required=required)
    if value and urlsplit(value).scheme not in ("http", "https"):
        raise invalid("Not a valid URL", name, "url_invalid")
    return value or None


def _expires_at(world: World, params: Params) -> int:
    moment, now = params.moment("expires_at"), world.now()
    if moment is None:
        return now + _LONGEST
    moment += world.skipped
    if not now + _SHORTEST <= moment <= now + _LONGEST:
        raise invalid(
            "The `expires_at` timestamp must be at least 30 minutes and at most 24 hours from Checkout Session "
            "creation.",
            "expires_at",
        )
    return moment


def _shape(world: World, session_id: str, mode: str, customer: Object, currency: str) -> Object:
    return {
        "id": session_id,
        "object": KIND,
        "adaptive_pricing": {"enabled": False},
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": 0,
        "amount_total": 0,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": None,
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "created": world.now(),
        "currency": currency,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer": customer["id"],
        "customer_account": None,
        "customer_creation": None,
        "customer_details": None,
        "customer_email": None,
        "invoice": None,
        "invoice_creation": None,
        "livemode": False,
        "locale": None,
        "origin_context": None,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "always" if mode == "subscription" else "if_required",
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": None,
        "subscription": None,
        "total_details": None,
        "ui_mode": "hosted_page",
        "url": f"{world.address}/pay/{session_id}",
        "wallet_options": None,
        "mode": mode,
    }


def note_totals(world: World, session: Object, quote: Quote) -> Object:
    """Say on the session what it costs."""
    order, located = Order(**session["_order"]), quote.located
    session.update(
        amount_subtotal=quote.subtotal,
        amount_total=quote.total,
        automatic_tax={
            "enabled": order.automatic_tax,
            "liability": {"type": "self"} if order.automatic_tax else None,
            "provider": "stripe" if order.automatic_tax else None,
            "status": ("complete" if located else "requires_location_inputs") if order.automatic_tax else None,
        },
        total_details={"amount_discount": quote.discount, "amount_shipping": 0, "amount_tax": quote.tax},
        _items=[line.shape() for line in quote.lines],
    )
    if order.mode == "payment":
        session["invoice_creation"] = {
            "enabled": order.makes_invoice,
            "invoice_data": {
                "account_tax_ids": None,
                "custom_fields": None,
                "description": None,
                "footer": None,
                "issuer": None,
                "metadata": dict(order.invoice_metadata),
                "rendering_options": None,
            },
        }
    return world.save(session)


# Reading ------------------------------------------------------------------------------------------------------------
@route("GET", "/v1/checkout/sessions")
def list_sessions(world: World, params: Params) -> Object:
    """Sessions, the latest first."""
    found = world.find(KIND)
    for name in ("customer", "payment_intent", "subscription", "status"):
        if wanted := params.text(name):
            found = [one for one in found if one[name] == wanted]
    return page_of(world, params, found, "/v1/checkout/sessions")


@route("GET", "/v1/checkout/sessions/{session}")
def retrieve_session(world: World, params: Params, session: str) -> Object:
    """One of them."""
    return world.get(KIND, session, in_path=True)


@route("GET", "/v1/checkout/sessions/{session}/line_items")
def list_line_items(world: World, params: Params, session: str) -> Object:
    """What it sells."""
    obj = world.get(KIND, session, in_path=True)
    limit = params.integer("limit", 10, least=1, most=100)
    params.text("starting_after")
    items = list(_line_items(world, obj))
    return list_of(items[:limit], f"/v1/checkout/sessions/{session}/line_items", has_more=len(items) > limit)


@includes(KIND, "line_items")
def line_items_of(world: World, session: Object) -> Object:
    """The same within the session."""
    return list_of(list(_line_items(world, session)), f"/v1/checkout/sessions/{session['id']}/line_items")


def _line_items(world: World, session: Object) -> Iterable[Object]:
    for item in session["_items"]:
        yield {**item, "price": world.get("price", item["price"])}


# Ending -------------------------------------------------------------------------------------------------------------
@route("POST", "/v1/checkout/sessions/{session}/expire")
def expire_session(world: World, params: Params, session: str) -> Object:
    """Close the page."""
    obj = world.get(KIND, session, in_path=True)
    if obj["status"] != "open":
        raise invalid(
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of '
            f"{obj['status']}.",
            "session",
        )
    return _expire(world, obj)


@provides("checkout.expire")
def _expire(world: World, session: Object) -> Object:
    session.update(status="expired", url=None)
    world.save(session)
    world.emit("checkout.session.expired", session)
    return session


def _next_expiry(world: World) -> int | None:
    return min((one["expires_at"] for one in world.find(KIND, status="open")), default=None)


def _expire_due(world: World) -> None:
    for session in world.find(KIND, status="open"):
        if session["expires_at"] <= world.now():
            _expire(world, session)


DUE.append(Due(_next_expiry, _expire_due))
