"""Customers, their tax ids and their payment methods."""

import re

from apps.integrations.stripe.fake.cards import NO_ADDRESS, named
from apps.integrations.stripe.fake.errors import invalid, no_such
from apps.integrations.stripe.fake.params import Params
from apps.integrations.stripe.fake.routing import includes, list_of, page_of, route
from apps.integrations.stripe.fake.world import Object, World, shown

_COUNTED_TAX = {"eu_vat": r"[A-Z]{2}[0-9A-Z+*.]{2,12}", "gb_vat": r"(GB)?(\d{9}|\d{12})", "us_ein": r"\d{2}-?\d{7}"}
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


@route("POST", "/v1/customers")
def create_customer(world: World, params: Params) -> Object:
    """Somebody who may pay."""
    customer: Object = {
        "id": world.new_id("cus"),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": world.now(),
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "email": None,
        "invoice_prefix": world.new_id("x")[2:10].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }
    world.add(customer)
    customer.update(_wanted(world, params, customer))
    if clock := params.text("test_clock"):
        customer["test_clock"] = world.get("test_helpers.test_clock", clock, "test_clock")["id"]
    world.save(customer)
    world.emit("customer.created", customer)
    for wanted in params.children("tax_id_data"):
        _add_tax_id(world, customer, wanted)
    return customer


@route("GET", "/v1/customers")
def list_customers(world: World, params: Params) -> Object:
    """Customers, the latest first."""
    email = params.text("email")
    customers = world.find("customer", email=email) if email else world.find("customer")
    return page_of(world, params, [one for one in customers if not one.get("deleted")], "/v1/customers")


@route("GET", "/v1/customers/{customer}")
def retrieve_customer(world: World, params: Params, customer: str) -> Object:
    """One of them; of a deleted one only that it was there."""
    return world.get("customer", customer, in_path=True)


@route("POST", "/v1/customers/{customer}")
def update_customer(world: World, params: Params, customer: str) -> Object:
    """Another name or address, another payment method by default."""
    obj = present(world, customer, in_path=True)
    return world.update(obj, "customer.updated", **_wanted(world, params, obj))


@route("DELETE", "/v1/customers/{customer}")
def delete_customer(world: World, params: Params, customer: str) -> Object:
    """Nothing remains but that there was one."""
    obj = present(world, customer, in_path=True)
    world.emit("customer.deleted", obj)
    obj.clear()
    obj.update({"id": customer, "object": "customer", "deleted": True})
    return world.save(obj)


def present(world: World, customer: str, param: str = "customer", *, in_path: bool = False) -> Object:
    """A customer who wasn't deleted."""
    obj = world.get("customer", customer, param, in_path=in_path)
    if obj.get("deleted"):
        raise no_such("customer", customer, param, in_path=in_path)
    return obj


def settle_currency(world: World, customer: Object, currency: str) -> None:
    """Bill a customer in a currency: the first one stays."""
    check_currency(customer, currency)
    if customer["currency"] is None:
        world.update(customer, "customer.updated", currency=currency)


def check_currency(customer: Object, currency: str) -> None:
    """Refuse a second currency."""
    if customer["currency"] not in (None, currency):
        raise invalid(
            "You cannot combine currencies on a single customer. This customer has had a subscription, coupon, or "
            f"invoice item with currency {customer['currency']}."
        )


def _wanted(world: World, params: Params, before: Object) -> Object:
    wanted: Object = {}
    for name in ("description", "email", "name", "phone"):
        if params.has(name):
            wanted[name] = params.text(name, most=512 if name == "email" else 5000) or None
    if wanted.get("email") and not _EMAIL.fullmatch(wanted["email"]):
        raise invalid(f"Invalid email address: {wanted['email']}", "email", "email_invalid")
    if params.has("metadata"):
        wanted["metadata"] = params.metadata(before["metadata"])
    if params.has("address"):
        sent = params.child("address")
        wanted["address"] = {name: sent.text(name) or None for name in NO_ADDRESS} if sent.names() else None
    if params.has("tax_exempt"):
        wanted["tax_exempt"] = params.choice("tax_exempt", ("none", "exempt", "reverse"), "none")
    if params.has("preferred_locales"):
        wanted["preferred_locales"] = params.texts("preferred_locales")
    if params.has("invoice_settings"):
        method = params.child("invoice_settings").text("default_payment_method")
        owned = world.known("payment_method", method)
        if method and (owned is None or owned["customer"] != before["id"]):
            raise no_such("PaymentMethod", method, "invoice_settings[default_payment_method]")
        wanted["invoice_settings"] = {**before["invoice_settings"], "default_payment_method": method or None}
    return wanted


# Tax ids ------------------------------------------------------------------------------------------------------------
@route("POST", "/v1/customers/{customer}/tax_ids")
def create_tax_id(world: World, params: Params, customer: str) -> Object:
    """A tax id for bills."""
    return _add_tax_id(world, present(world, customer, in_path=True), params)


@route("GET", "/v1/customers/{customer}/tax_ids")
def list_tax_ids(world: World, params: Params, customer: str) -> Object:
    """A customer's tax ids, the latest first."""
    present(world, customer, in_path=True)
    ids = world.find("tax_id", customer=customer)
    return page_of(world, params, ids, f"/v1/customers/{customer}/tax_ids")


@route("DELETE", "/v1/customers/{customer}/tax_ids/{tax_id}")
def delete_tax_id(world: World, params: Params, customer: str, tax_id: str) -> Object:
    """No such tax id any more."""
    obj = world.get("tax_id", tax_id, in_path=True)
    if obj["customer"] != customer:
        raise no_such("tax_id", tax_id, in_path=True)
    world.remove(obj)
    world.emit("customer.tax_id.deleted", obj)
    return {"id": tax_id, "object": "tax_id", "deleted": True}


def _add_tax_id(world: World, customer: Object, params: Params) -> Object:
    type, value = params.text("type", required=True), params.text("value", required=True)
    if not re.fullmatch(r"[a-z]{2}_[a-z_]+", type):
        raise invalid(f"Invalid type: {type}", params.path("type"))
    if not re.fullmatch(_COUNTED_TAX.get(type, ".{2,}"), value.replace(" ", "")):
        raise invalid(f"Invalid value for {type}.", params.path("value"), "tax_id_invalid")
    if len(world.find("tax_id", customer=customer["id"])) >= 5:
        raise invalid("A customer can have up to 5 tax ids.", "customer")
    tax_id = world.add(
        {
            "id": world.new_id("txi"),
            "object": "tax_id",
            "country": value[:2].upper() if type == "eu_vat" else type[:2].upper(),
            "created": world.now(),
            "customer": customer["id"],
            "customer_account": None,
            "livemode": False,
            "owner": {"customer": customer["id"], "customer_account": None, "type": "customer"},
            "type": type,
            "value": value,
            "verification": {"status": "pending", "verified_address": None, "verified_name": None},
        }
    )
    world.emit("customer.tax_id.created", tax_id)
    return tax_id


@includes("customer", "tax_ids")
def tax_ids_of(world: World, customer: Object) -> Object:
    """Those of a customer."""
    return list_of(world.find("tax_id", customer=customer["id"]), f"/v1/customers/{customer['id']}/tax_ids")


@includes("customer", "subscriptions")
def subscriptions_of(world: World, customer: Object) -> Object:
    """Those that are not over."""
    found = [one for one in world.find("subscription", customer=customer["id"]) if one["status"] != "canceled"]
    return list_of(found[::-1], f"/v1/customers/{customer['id']}/subscriptions")


# Payment methods ----------------------------------------------------------------------------------------------------
@route("GET", "/v1/payment_methods/{method}")
def retrieve_method(world: World, params: Params, method: str) -> Object:
    """A payment method."""
    return world.get("payment_method", method, in_path=True)


@route("GET", "/v1/payment_methods")
def list_methods(world: World, params: Params) -> Object:
    """A customer's payment methods, the latest first."""
    customer, type = params.text("customer", required=True), params.text("type", "card")
    return page_of(world, params, world.find("payment_method", customer=customer, type=type), "/v1/payment_methods")


@route("GET", "/v1/customers/{customer}/payment_methods")
def list_methods_of(world: World, params: Params, customer: str) -> Object:
    """The same, by the customer's address."""
    present(world, customer, in_path=True)
    methods = world.find("payment_method", customer=customer, type=params.text("type", "card"))
    return page_of(world, params, methods, f"/v1/customers/{customer}/payment_methods")


@route("POST", "/v1/payment_methods/{method}/attach")
def attach_method(world: World, params: Params, method: str) -> Object:
    """Give a payment method to a customer. `pm_card_visa` and its like make a new one of that test card."""
    customer = present(world, params.text("customer", required=True))
    return attach(world, named(world, method, "id"), customer)


@route("POST", "/v1/payment_methods/{method}/detach")
def detach_method(world: World, params: Params, method: str) -> Object:
    """Take it away again."""
    obj = world.get("payment_method", method, in_path=True)
    if obj["customer"] is None:
        raise invalid("The payment method you provided is not attached to a customer so detachment is impossible.")
    customer = world.get("customer", obj["customer"])
    obj["customer"] = None
    world.save(obj)
    world.emit("payment_method.detached", obj)
    settings = customer.get("invoice_settings", {})
    if settings.get("default_payment_method") == method:
        world.update(customer, "customer.updated", invoice_settings={**settings, "default_payment_method": None})
    return obj


def attach(world: World, method: Object, customer: Object) -> Object:
    """Give a payment method to a customer."""
    if method["customer"] == customer["id"]:
        return method
    if method["customer"] is not None:
        raise invalid("The payment method you provided has already been attached to a customer.", "customer")
    method["customer"] = customer["id"]
    world.save(method)
    world.emit("payment_method.attached", method)
    return method


def make_default(world: World, customer: Object, method: Object) -> None:
    """Charge this method from now on, for every subscription too."""
    attach(world, method, customer)
    settings = {**shown(customer["invoice_settings"]), "default_payment_method": method["id"]}
    world.update(customer, "customer.updated", invoice_settings=settings)
    for subscription in world.find("subscription", customer=customer["id"]):
        if subscription["status"] not in ("canceled", "incomplete_expired"):
            world.update(subscription, "customer.subscription.updated", default_payment_method=method["id"])
