"""The catalogue, pushed to Stripe: what is missing is created, what is no longer sold is archived, no amount is edited.

Said again it changes nothing. A price whose amount is another one than at Stripe is a mistake in the catalogue, and
refused: another amount is another code.
"""

import hashlib
from dataclasses import dataclass, field

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from apps.billing.catalogue import Catalogue, Price, Product, catalogue
from apps.billing.errors import NotOnSaleError
from apps.billing.models import PriceAtStripe
from apps.core.errors import ConflictError
from apps.integrations.stripe import objects
from apps.integrations.stripe.connection import is_fake, stripe
from apps.integrations.stripe.port import PORTAL_KEY, Stripe

log = structlog.get_logger(__name__)

OURS = {"levqor": "catalogue"}  # in the metadata of all that we made: nothing else is touched


@dataclass
class Report:
    """What a synchronization did, in lines such as "created price api_pro_monthly"."""

    changes: list[str] = field(default_factory=list)
    same: int = 0

    def note(self, what: str) -> None:
        """One change."""
        self.changes.append(what)


def sync_catalogue() -> Report:
    """Push the catalogue, and make the customer portal.

    Raises `ConflictError` for a price that would have to be edited, or that is gone though somebody may pay it; nothing
    is changed then.
    """
    gateway, wanted, report = stripe(), catalogue(), Report()
    prices = {price.lookup_key: price for price in gateway.prices() if price.active and price.lookup_key}
    _check_amounts(wanted, prices)
    _check_kept(wanted)
    _sync_coupons(gateway, wanted, report)
    meters = _sync_meters(gateway, wanted, report)
    products = {product.id: product for product in gateway.products()}
    for product in wanted.products.values():
        if product.sold:
            _sync_product(gateway, product, products.get(product.code), report)
        for price in product.sold:
            there = prices.get(price.code)
            if there is None:
                there = _create_price(gateway, product, price, meters)
                report.note(f"created price {price.code}")
            else:
                report.same += 1
            _remember(price.code, there.id)
    _archive(gateway, wanted, products, prices, report)
    gateway.ensure_portal(key=PORTAL_KEY)
    return report


def price_at_stripe(code: str) -> str:
    """The id of a price at Stripe. The fake is pushed the catalogue when somebody first asks; to Stripe staff push it.

    Raises `NotOnSaleError`.
    """
    found = PriceAtStripe.objects.filter(code=code, is_current=True).values_list("stripe_id", flat=True)
    known = found.first()
    if not known and is_fake():
        sync_catalogue()
        known = found.first()
    if not known:
        log.error("price_not_at_stripe", price=code, put_right_by="manage.py sync_catalogue")
        raise NotOnSaleError(_("This is not on sale yet. Please try again later."))
    return known


def code_of(price: str, lookup_key: str = "") -> str:
    """The catalogue's code of a price at Stripe; empty for one that is not ours."""
    known = PriceAtStripe.objects.filter(stripe_id=price).values_list("code", flat=True).first()
    return known or lookup_key


def _check_amounts(wanted: Catalogue, there: dict[str, objects.Price]) -> None:
    for product in wanted.products.values():
        for price in product.prices:
            found = there.get(price.code)
            if found is not None and _terms(found) != (price.currency, price.unit_amount, price.interval):
                raise ConflictError(
                    _("“%(price)s” costs something else at Stripe. Prices are not edited: give the new one a new code.")
                    % {"price": price.code}
                )


def _check_kept(wanted: Catalogue) -> None:
    """What was ever sold stays in the catalogue: subscriptions, bills and open payment pages name it."""
    kept = {price.code for product in wanted.products.values() for price in product.prices}
    if gone := set(PriceAtStripe.objects.values_list("code", flat=True)) - kept:
        raise ConflictError(
            _("“%(prices)s” was on sale: keep it in the catalogue with “retired: true”.")
            % {"prices": ", ".join(sorted(gone))}
        )


def _terms(price: objects.Price) -> tuple[str, str, str]:
    return price.currency, price.amount, price.interval


def _sync_coupons(gateway: Stripe, wanted: Catalogue, report: Report) -> None:
    there = {coupon.id for coupon in gateway.coupons()}
    for coupon in wanted.coupons.values():
        if coupon.code in there:
            report.same += 1
            continue
        gateway.create_coupon(
            coupon.code, name=coupon.name[:40], percent=f"{coupon.percent:f}", duration=coupon.duration, metadata=OURS,
            key=_key("coupon", coupon.code),
        )  # fmt: skip
        report.note(f"created coupon {coupon.code}")


def _sync_meters(gateway: Stripe, wanted: Catalogue, report: Report) -> dict[str, str]:
    """The meters' ids by their codes."""
    there = {meter.event_name: meter.id for meter in gateway.meters() if meter.active}
    for meter in wanted.meters.values():
        if meter.code in there:
            report.same += 1
            continue
        there[meter.code] = gateway.create_meter(meter.code, name=meter.name, key=_key("meter", meter.code)).id
        report.note(f"created meter {meter.code}")
    return there


def _sync_product(gateway: Stripe, product: Product, there: objects.Product | None, report: Report) -> None:
    if there is None:
        gateway.create_product(
            product.code, name=product.name, description=product.description, tax_code=product.tax_code, metadata=OURS,
            key=_key("product", product.code),
        )  # fmt: skip
        report.note(f"created product {product.code}")
    elif (there.name, there.description, there.active) != (product.name, product.description, True):
        said = hashlib.sha256(f"{there}{product}".encode()).hexdigest()[:16]
        gateway.update_product(
            product.code, name=product.name, description=product.description, active=True,
            key=_key("product", product.code, said),
        )  # fmt: skip
        report.note(f"changed product {product.code}")
    else:
        report.same += 1


def _create_price(gateway: Stripe, product: Product, price: Price, meters: dict[str, str]) -> objects.Price:
    return gateway.create_price(
        product.code,
        lookup_key=price.code,
        currency=price.currency,
        amount=price.unit_amount,
        interval=price.interval,
        meter=meters[price.meter] if price.meter else "",
        metadata=OURS,
        key=_key("price", price.code, price.unit_amount),
    )


def _remember(code: str, stripe_id: str) -> None:
    with transaction.atomic():
        others = PriceAtStripe.objects.filter(code=code, is_current=True).exclude(stripe_id=stripe_id)
        others.update(is_current=False)
        PriceAtStripe.objects.update_or_create(stripe_id=stripe_id, defaults={"code": code, "is_current": True})


def _archive(
    gateway: Stripe,
    wanted: Catalogue,
    products: dict[str, objects.Product],
    prices: dict[str, objects.Price],
    report: Report,
) -> None:
    """What we made once and is no longer sold."""
    codes = {price.code for product in wanted.products.values() for price in product.sold}
    sold = {product.code for product in wanted.products.values() if product.sold}
    for code, price in prices.items():
        if code not in codes and price.metadata.get("levqor") == OURS["levqor"]:
            gateway.archive_price(price.id, key=_key("archive", price.id))
            PriceAtStripe.objects.filter(stripe_id=price.id).update(is_current=False)
            report.note(f"archived price {code}")
    for code, product in products.items():
        if code not in sold and product.active and product.metadata.get("levqor") == OURS["levqor"]:
            gateway.update_product(code, active=False, key=_key("archive", code))
            report.note(f"archived product {code}")


def _key(*parts: str) -> str:
    return ":".join(("catalogue", *parts))
