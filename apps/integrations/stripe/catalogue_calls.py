"""Calls about what is sold, and about usage that is billed."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from apps.integrations.stripe import reading_catalogue as reading
from apps.integrations.stripe.errors import DUPLICATE_USAGE, StripeRefusedError
from apps.integrations.stripe.objects import Coupon, Meter, Price, Product
from apps.integrations.stripe.port import Metadata
from apps.integrations.stripe.reading_calls import PAGE
from apps.integrations.stripe.wire import Wire, explained, once, raw, seconds

if TYPE_CHECKING:
    from stripe.params import CouponCreateParams, PriceCreateParams, ProductCreateParams, ProductUpdateParams
    from stripe.params.billing import MeterCreateParams, MeterEventCreateParams, MeterEventSummaryListParams

BY_CUSTOMER, VALUE = "stripe_customer_id", "value"  # Stripe's usual names within a meter event
MINUTE = 60


class CatalogueCalls(Wire):
    """See `port.Stripe`."""

    # Products and prices --------------------------------------------------------------------------------------------
    def products(self) -> Iterator[Product]:
        """All products, archived ones too."""
        return self._listed(lambda: self._stripe.products.list({"limit": PAGE}), reading.product)

    def create_product(
        self, code: str, *, name: str, description: str, tax_code: str, metadata: Metadata, key: str
    ) -> Product:
        """A product whose id is `code`."""
        wanted: ProductCreateParams = {"id": code, "name": name, "metadata": dict(metadata)}
        if description:
            wanted["description"] = description
        if tax_code:
            wanted["tax_code"] = tax_code
        with explained():
            told = self._stripe.products.create(wanted, once(key))
        return reading.product(raw(told))

    def update_product(
        self,
        code: str,
        *,
        name: str | None = None,
        description: str | None = None,
        active: bool | None = None,
        metadata: Metadata | None = None,
        key: str,
    ) -> Product:
        """Say something else of a product, or archive it."""
        wanted: ProductUpdateParams = {}
        if name is not None:
            wanted["name"] = name
        if description is not None:
            wanted["description"] = description
        if active is not None:
            wanted["active"] = active
        if metadata is not None:
            wanted["metadata"] = dict(metadata)
        with explained():
            told = self._stripe.products.update(code, wanted, once(key))
        return reading.product(raw(told))

    def prices(self) -> Iterator[Price]:
        """All prices, archived ones too."""
        return self._listed(lambda: self._stripe.prices.list({"limit": PAGE}), reading.price)

    def create_price(
        self,
        product: str,
        *,
        lookup_key: str,
        currency: str,
        amount: str,
        interval: str = "",
        meter: str = "",
        metadata: Metadata,
        key: str,
    ) -> Price:
        """A price, before tax, which takes the lookup key over from the one that had it."""
        wanted: PriceCreateParams = {
            "product": product,
            "lookup_key": lookup_key,
            "transfer_lookup_key": True,
            "currency": currency.lower(),
            "unit_amount_decimal": Decimal(amount),
            "tax_behavior": "exclusive",
            "metadata": dict(metadata),
        }
        if meter:
            wanted["recurring"] = {"interval": interval, "usage_type": "metered", "meter": meter}
        elif interval:
            wanted["recurring"] = {"interval": interval}
        with explained():
            told = self._stripe.prices.create(wanted, once(key))
        return reading.price(raw(told))

    def archive_price(self, price: str, *, key: str) -> Price:
        """Sell no more at this price. Who pays it goes on paying it."""
        with explained():
            told = self._stripe.prices.update(price, {"active": False}, once(key))
        return reading.price(raw(told))

    # Discounts ------------------------------------------------------------------------------------------------------
    def coupons(self) -> Iterator[Coupon]:
        """All coupons."""
        return self._listed(lambda: self._stripe.coupons.list({"limit": PAGE}), reading.coupon)

    def create_coupon(
        self, code: str, *, name: str, percent: str, duration: str, metadata: Metadata, key: str
    ) -> Coupon:
        """A coupon of so many percent."""
        wanted: CouponCreateParams = {
            "id": code,
            "name": name,
            "percent_off": float(percent),  # written out as it is given: "12.5"
            "duration": duration,
            "metadata": dict(metadata),
        }
        with explained():
            told = self._stripe.coupons.create(wanted, once(key))
        return reading.coupon(raw(told))

    # Usage ----------------------------------------------------------------------------------------------------------
    def meters(self) -> Iterator[Meter]:
        """All meters."""
        return self._listed(lambda: self._stripe.billing.meters.list({"limit": PAGE}), reading.meter)

    def create_meter(self, event_name: str, *, name: str, key: str) -> Meter:
        """A meter that adds up the values of its events, by customer."""
        wanted: MeterCreateParams = {
            "event_name": event_name,
            "display_name": name,
            "default_aggregation": {"formula": "sum"},
            "customer_mapping": {"type": "by_id", "event_payload_key": BY_CUSTOMER},
            "value_settings": {"event_payload_key": VALUE},
        }
        with explained():
            told = self._stripe.billing.meters.create(wanted, once(key))
        return reading.meter(raw(told))

    def report_usage(self, event_name: str, customer: str, value: int, *, identifier: str, at: datetime) -> None:
        """Add so much to a customer's meter. The same identifier within a day counts once."""
        wanted: MeterEventCreateParams = {
            "event_name": event_name,
            "payload": {BY_CUSTOMER: customer, VALUE: str(value)},
            "identifier": identifier,
            "timestamp": seconds(at),
        }
        try:
            with explained():
                self._stripe.billing.meter_events.create(wanted)  # `identifier` is its key
        except StripeRefusedError as error:
            if error.code != DUPLICATE_USAGE:
                raise

    def take_usage_back(self, event_name: str, *, identifier: str) -> None:
        """Take back what was reported under this identifier within the last day."""
        with explained():
            self._stripe.billing.meter_event_adjustments.create(
                {"event_name": event_name, "type": "cancel", "cancel": {"identifier": identifier}},
                once(f"take-back-{identifier}"),
            )

    def reported_usage(self, meter: str, customer: str, start: datetime, end: datetime) -> int:
        """What the meter (its id) has of a customer in a time, in full minutes."""
        wanted: MeterEventSummaryListParams = {
            "customer": customer,
            "start_time": seconds(start) // MINUTE * MINUTE,
            "end_time": seconds(end) // MINUTE * MINUTE,
        }
        if wanted["start_time"] >= wanted["end_time"]:
            return 0
        summaries = self._listed(lambda: self._stripe.billing.meters.event_summaries.list(meter, wanted), dict)
        return sum(int(Decimal(str(summary["aggregated_value"]))) for summary in summaries)
