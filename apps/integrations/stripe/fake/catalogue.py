"""What is sold: products, prices, coupons and meters."""

from decimal import Decimal

from apps.integrations.stripe.fake.errors import invalid
from apps.integrations.stripe.fake.params import MOST, Params
from apps.integrations.stripe.fake.routing import page_of, route
from apps.integrations.stripe.fake.world import Object, World

CURRENCIES = frozenset(
    {
        "aud", "brl", "cad", "chf", "czk", "dkk", "eur", "gbp", "hkd", "huf", "inr", "jpy", "mxn", "nok", "nzd", "pln",
        "ron", "sek", "sgd", "usd",
    }
)  # fmt: skip
_INTERVALS = {"day": 1095, "week": 156, "month": 36, "year": 3}  # the most of each between two bills: three years
_TAX_BEHAVIORS = ("inclusive", "exclusive", "unspecified")


# Products -----------------------------------------------------------------------------------------------------------
@route("POST", "/v1/products")
def create_product(world: World, params: Params) -> Object:
    """A product, under an id of the caller's choice."""
    product_id = params.text("id") or world.new_id("prod")
    if world.known("product", product_id):
        raise invalid(f"Product already exists: {product_id}", "id", "resource_already_exists")
    product = {
        "id": product_id,
        "object": "product",
        "active": params.boolean("active", True),
        "created": world.now(),
        "default_price": None,
        "description": params.text("description") or None,
        "images": params.texts("images"),
        "livemode": False,
        "marketing_features": [],
        "metadata": params.metadata(),
        "name": params.text("name", required=True),
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": params.text("statement_descriptor", most=22) or None,
        "tax_code": _tax_code(params),
        "type": "service",
        "unit_label": params.text("unit_label") or None,
        "updated": world.now(),
        "url": params.text("url") or None,
    }
    world.add(product)
    world.emit("product.created", product)
    return product


@route("GET", "/v1/products")
def list_products(world: World, params: Params) -> Object:
    """Products, the latest first."""
    found = world.find("product")
    if params.has("active"):
        found = [one for one in found if one["active"] == params.boolean("active")]
    if ids := params.texts("ids"):
        found = [one for one in found if one["id"] in ids]
    return page_of(world, params, found, "/v1/products")


@route("GET", "/v1/products/{product}")
def retrieve_product(world: World, params: Params, product: str) -> Object:
    """One of them."""
    return world.get("product", product, in_path=True)


@route("GET", "/v1/products/{product}/features")
def list_features(world: World, params: Params, product: str) -> Object:
    """None: what a product grants is said in our own catalogue."""
    world.get("product", product, in_path=True)
    return page_of(world, params, [], f"/v1/products/{product}/features")


@route("POST", "/v1/products/{product}")
def update_product(world: World, params: Params, product: str) -> Object:
    """Say something else of it, or archive it."""
    obj = world.get("product", product, in_path=True)
    wanted: Object = {}
    if params.has("name"):
        wanted["name"] = params.text("name", required=True)
    for name in ("description", "unit_label", "url"):
        if params.has(name):
            wanted[name] = params.text(name) or None
    if params.has("active"):
        wanted["active"] = params.boolean("active")
    if params.has("tax_code"):
        wanted["tax_code"] = _tax_code(params)
    if params.has("metadata"):
        wanted["metadata"] = params.metadata(obj["metadata"])
    if any(obj[name] != value for name, value in wanted.items()):
        wanted["updated"] = world.now()
    return world.update(obj, "product.updated", **wanted)


def _tax_code(params: Params) -> str | None:
    code = params.text("tax_code")
    if code and not (code.startswith("txcd_") and code[5:].isdigit()):
        raise invalid(f"No such tax code: '{code}'", "tax_code", "resource_missing")
    return code or None


# Prices -------------------------------------------------------------------------------------------------------------
@route("POST", "/v1/prices")
def create_price(world: World, params: Params) -> Object:
    """A price, which may take over the lookup key of another."""
    product = world.get("product", params.text("product", required=True), "product")
    amount = _amount(params)
    recurring = _recurring(world, params)
    lookup_key = _take_lookup_key(world, params)
    price = {
        "id": world.new_id("price"),
        "object": "price",
        "active": params.boolean("active", True),
        "billing_scheme": params.choice("billing_scheme", ("per_unit",), "per_unit"),
        "created": world.now(),
        "currency": currency_of(params),
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": lookup_key,
        "metadata": params.metadata(),
        "nickname": params.text("nickname") or None,
        "product": product["id"],
        "recurring": recurring,
        "tax_behavior": params.choice("tax_behavior", _TAX_BEHAVIORS, "unspecified"),
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring" if recurring else "one_time",
        "unit_amount": int(amount) if amount == int(amount) else None,
        "unit_amount_decimal": spelled(amount),
    }
    world.add(price)
    world.emit("price.created", price)
    return price


@route("GET", "/v1/prices")
def list_prices(world: World, params: Params) -> Object:
    """Prices, the latest first."""
    found = world.find("price")
    if params.has("active"):
        found = [one for one in found if one["active"] == params.boolean("active")]
    if keys := params.texts("lookup_keys"):
        found = [one for one in found if one["lookup_key"] in keys]
    for name in ("currency", "product", "type"):
        if wanted := params.text(name):
            found = [one for one in found if one[name] == wanted]
    return page_of(world, params, found, "/v1/prices")


@route("GET", "/v1/prices/{price}")
def retrieve_price(world: World, params: Params, price: str) -> Object:
    """One of them."""
    return world.get("price", price, in_path=True)


@route("POST", "/v1/prices/{price}")
def update_price(world: World, params: Params, price: str) -> Object:
    """Archive it, or name it otherwise. What it costs never changes."""
    obj = world.get("price", price, in_path=True)
    wanted: Object = {}
    if params.has("active"):
        wanted["active"] = params.boolean("active")
    if params.has("nickname"):
        wanted["nickname"] = params.text("nickname") or None
    if params.has("metadata"):
        wanted["metadata"] = params.metadata(obj["metadata"])
    if params.has("lookup_key"):
        wanted["lookup_key"] = _take_lookup_key(world, params, obj)
    if params.has("tax_behavior"):
        wanted["tax_behavior"] = params.choice("tax_behavior", _TAX_BEHAVIORS, "unspecified")
        if obj["tax_behavior"] not in ("unspecified", wanted["tax_behavior"]):
            raise invalid("Once specified, `tax_behavior` cannot be changed.", "tax_behavior")
    return world.update(obj, "price.updated", **wanted)


def currency_of(params: Params) -> str:
    """A currency that money can be taken in."""
    currency = params.text("currency", required=True).lower()
    if currency not in CURRENCIES:
        raise invalid(f"Invalid currency: {currency}.", params.path("currency"))
    return currency


def spelled(amount: Decimal) -> str:
    """A decimal without the zeros that say nothing."""
    text = format(amount.normalize(), "f")
    return text if text != "-0" else "0"


def _amount(params: Params) -> Decimal:
    if params.has("unit_amount") == params.has("unit_amount_decimal"):
        raise invalid("Specify exactly one of `unit_amount` and `unit_amount_decimal`.", "unit_amount")
    if params.has("unit_amount"):
        return Decimal(params.integer("unit_amount", required=True, most=MOST))
    amount = params.decimal("unit_amount_decimal", required=True) or Decimal(0)
    if not 0 <= amount <= MOST:
        raise invalid("Invalid unit_amount_decimal", "unit_amount_decimal", "parameter_invalid_integer")
    return amount


def _recurring(world: World, params: Params) -> Object | None:
    sent = params.child("recurring")
    if not sent.names():
        return None
    interval = sent.choice("interval", tuple(_INTERVALS), required=True)
    usage_type = sent.choice("usage_type", ("licensed", "metered"), "licensed")
    meter = sent.text("meter")
    if bool(meter) != (usage_type == "metered"):
        raise invalid("A metered price needs a meter, and only a metered price has one.", "recurring[meter]")
    if meter and world.get("billing.meter", meter, "recurring[meter]")["status"] != "active":
        raise invalid(f"The meter {meter} is inactive.", "recurring[meter]")
    return {
        "interval": interval,
        "interval_count": sent.integer("interval_count", 1, least=1, most=_INTERVALS[interval]),
        "meter": meter or None,
        "trial_period_days": None,
        "usage_type": usage_type,
    }


def _take_lookup_key(world: World, params: Params, own: Object | None = None) -> str | None:
    key, transfer = params.text("lookup_key", most=200), params.boolean("transfer_lookup_key")
    for other in world.find("price", lookup_key=key) if key else []:
        if other is own:
            continue
        if not transfer:
            raise invalid(f"A price (`{other['id']}`) already uses that lookup key.", "lookup_key")
        world.update(other, "price.updated", lookup_key=None)
    return key or None


# Coupons ------------------------------------------------------------------------------------------------------------
@route("POST", "/v1/coupons")
def create_coupon(world: World, params: Params) -> Object:
    """A discount in percent, for one bill or for good."""
    coupon_id = params.text("id") or world.new_id("x")[2:10]
    if world.known("coupon", coupon_id):
        raise invalid("Coupon already exists.", "id", "resource_already_exists")
    percent = params.decimal("percent_off", required=True) or Decimal(0)
    if not 0 < percent <= 100:
        raise invalid("Invalid percent_off: must be greater than 0 and at most 100", "percent_off")
    coupon = {
        "id": coupon_id,
        "object": "coupon",
        "amount_off": None,
        "created": world.now(),
        "currency": None,
        "duration": params.choice("duration", ("once", "forever"), "once"),
        "duration_in_months": None,
        "livemode": False,
        "max_redemptions": params.integer("max_redemptions", least=1) if params.has("max_redemptions") else None,
        "metadata": params.metadata(),
        "name": params.text("name", most=40) or None,
        "percent_off": float(percent),
        "redeem_by": params.moment("redeem_by"),
        "times_redeemed": 0,
        "valid": True,
    }
    world.add(coupon)
    world.emit("coupon.created", coupon)
    return coupon


@route("GET", "/v1/coupons")
def list_coupons(world: World, params: Params) -> Object:
    """Coupons, the latest first."""
    return page_of(world, params, [refreshed(world, one) for one in world.find("coupon")], "/v1/coupons")


@route("GET", "/v1/coupons/{coupon}")
def retrieve_coupon(world: World, params: Params, coupon: str) -> Object:
    """One of them."""
    return refreshed(world, world.get("coupon", coupon, in_path=True))


@route("POST", "/v1/coupons/{coupon}")
def update_coupon(world: World, params: Params, coupon: str) -> Object:
    """Another name or other notes. What it gives never changes."""
    obj = world.get("coupon", coupon, in_path=True)
    name = (params.text("name", most=40) or None) if params.has("name") else obj["name"]
    return world.update(obj, "coupon.updated", name=name, metadata=params.metadata(obj["metadata"]))


@route("DELETE", "/v1/coupons/{coupon}")
def delete_coupon(world: World, params: Params, coupon: str) -> Object:
    """Redeem it no more. Who has it keeps it."""
    obj = world.get("coupon", coupon, in_path=True)
    world.remove(obj)
    world.emit("coupon.deleted", obj)
    return {"id": coupon, "object": "coupon", "deleted": True}


def refreshed(world: World, coupon: Object) -> Object:
    """The coupon, knowing whether it can still be redeemed."""
    most, until = coupon["max_redemptions"], coupon["redeem_by"]
    valid = (most is None or coupon["times_redeemed"] < most) and (until is None or until > world.now())
    if coupon["valid"] != valid:
        coupon["valid"] = valid
        world.save(coupon)
    return coupon


def redeemable(world: World, coupon: str, param: str) -> Object:
    """A coupon for somebody new."""
    obj = refreshed(world, world.get("coupon", coupon, param))
    if not obj["valid"]:
        raise invalid(f"Coupon {coupon} is expired.", param, "coupon_expired")
    return obj


def redeem(world: World, coupon: Object) -> None:
    """Count that somebody has it now."""
    coupon["times_redeemed"] += 1
    world.save(coupon)
    refreshed(world, coupon)


# Meters -------------------------------------------------------------------------------------------------------------
@route("POST", "/v1/billing/meters")
def create_meter(world: World, params: Params) -> Object:
    """What usage is reported to, by the name of its events."""
    event_name = params.text("event_name", required=True, most=100)
    if world.find("billing.meter", event_name=event_name, status="active"):
        raise invalid(f"An active meter with the event name '{event_name}' already exists.", "event_name")
    mapping, settings = params.child("customer_mapping"), params.child("value_settings")
    meter = {
        "id": world.new_id("mtr"),
        "object": "billing.meter",
        "created": world.now(),
        "customer_mapping": {
            "event_payload_key": mapping.text("event_payload_key", "stripe_customer_id"),
            "type": mapping.choice("type", ("by_id",), "by_id"),
        },
        "default_aggregation": {
            "formula": params.child("default_aggregation").choice("formula", ("sum",), required=True)
        },
        "display_name": params.text("display_name", required=True, most=250),
        "event_name": event_name,
        "event_time_window": None,
        "livemode": False,
        "status": "active",
        "status_transitions": {"deactivated_at": None},
        "updated": world.now(),
        "value_settings": {"event_payload_key": settings.text("event_payload_key", "value")},
    }
    world.add(meter)
    world.emit("billing.meter.created", meter)
    return meter


@route("GET", "/v1/billing/meters")
def list_meters(world: World, params: Params) -> Object:
    """Meters, the latest first."""
    status = params.choice("status", ("active", "inactive"))
    found = world.find("billing.meter", status=status) if status else world.find("billing.meter")
    return page_of(world, params, found, "/v1/billing/meters")


@route("GET", "/v1/billing/meters/{meter}")
def retrieve_meter(world: World, params: Params, meter: str) -> Object:
    """One of them."""
    return world.get("billing.meter", meter, in_path=True)
