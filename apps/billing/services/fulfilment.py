"""Giving what an order bought: billed once, and given as often as its payment comes back after all."""

from datetime import timedelta

from apps.billing import books
from apps.billing.catalogue import catalogue
from apps.billing.models import Order
from apps.billing.services import credits, entitlements
from apps.core.clock import now
from apps.core.money import Money
from apps.usage.plans import API_CREDITS


def bill(order: Order) -> None:
    """Book what was bought: credits are owed, everything else is a sale."""
    product = catalogue().product_of(order.price)
    net, tax = Money(order.total - order.tax, order.currency), Money(order.tax, order.currency)
    if API_CREDITS in product.grants:
        books.book_bill(order.organization, order.public_id, {}, tax, owed=net)
    else:
        books.book_bill(order.organization, order.public_id, {product.code: net}, tax)


def give(order: Order) -> None:
    """Give what was bought. Credits are given once: what became of them since stays."""
    product = catalogue().product_of(order.price)
    grants = product.granted(order.quantity)
    if API_CREDITS in grants:
        credits.grant_bought(order, int(grants[API_CREDITS]), Money(order.total - order.tax, order.currency))
        return
    since = order.paid_at or now()
    ends_at = since + timedelta(days=product.lasts_days) if product.lasts_days else None
    entitlements.give(order.organization, order.public_id, grants, ends_at=ends_at)
