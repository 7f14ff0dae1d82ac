"""What is sold, as Stripe tells it, into our form."""

from apps.integrations.stripe.objects import Coupon, Meter, Price, Product
from apps.integrations.stripe.reading import Raw, currency, identity, metadata, plain, text


def product(raw: Raw) -> Product:
    """What is sold."""
    return Product(
        id=raw["id"],
        name=raw["name"],
        description=text(raw.get("description")),
        active=raw["active"],
        tax_code=identity(raw.get("tax_code")),
        metadata=metadata(raw),
    )


def price(raw: Raw) -> Price:
    """What it costs."""
    recurring = raw.get("recurring") or {}
    return Price(
        id=raw["id"],
        product=identity(raw["product"]),
        lookup_key=text(raw.get("lookup_key")),
        currency=currency(raw),
        amount=plain(raw.get("unit_amount_decimal")),
        interval=text(recurring.get("interval")),
        meter=text(recurring.get("meter")),
        active=raw["active"],
        tax_behavior=text(raw.get("tax_behavior")),
        metadata=metadata(raw),
    )


def coupon(raw: Raw) -> Coupon:
    """A discount."""
    return Coupon(
        id=raw["id"],
        name=text(raw.get("name")),
        percent=plain(raw.get("percent_off")),
        duration=raw["duration"],
        valid=raw["valid"],
        metadata=metadata(raw),
    )


def meter(raw: Raw) -> Meter:
    """What usage is reported to."""
    return Meter(id=raw["id"], event_name=raw["event_name"], name=raw["display_name"], active=raw["status"] == "active")
