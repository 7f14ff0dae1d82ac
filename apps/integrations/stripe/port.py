"""What we ask of Stripe. `gateway.py` asks the real one or the fake one, whose address is all that differs.

Each write has a `key`: said twice with the same key it happens once (Stripe keeps keys for a day at least). What names
an object that is not there raises `StripeMissingError`; anything may raise `StripeUnavailableError` (try again, with
the same key, unless it is not `transient`) and `StripeRefusedError` (never as it stands; its `code` says why).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from apps.integrations.stripe.objects import (
    Balance,
    BalanceTransaction,
    CheckoutSession,
    Coupon,
    Customer,
    Dispute,
    Event,
    Invoice,
    Kind,
    Meter,
    Payment,
    PaymentMethod,
    Preview,
    Price,
    Product,
    Refund,
    Subscription,
)

PORTAL_KEY = "portal configuration"  # whoever makes it says the same, so that of several it is one
Object = Customer | Subscription | Invoice | Payment | Refund | Dispute | CheckoutSession | PaymentMethod
Metadata = Mapping[str, str]


@dataclass(frozen=True)
class Wanted:
    """So much of a price, in a checkout or a subscription. A metered price has no quantity."""

    price: str
    quantity: int | None = 1


@dataclass(frozen=True)
class ItemChange:
    """A change of a subscription's item: another price or quantity for `id`, a new item without, or its end."""

    id: str = ""
    price: str = ""
    quantity: int | None = None
    delete: bool = False


@dataclass(frozen=True)
class CheckoutOrder:
    """What a payment page should take money for. `mode` is "payment" or "subscription".

    `anchor` is when a subscription is billed next, with what is due until then in proportion. `automatic_tax` lets
    Stripe work out the tax. `metadata` goes onto the session and onto what it makes.
    """

    mode: str
    customer: str
    wanted: Sequence[Wanted]
    reference: str
    success_url: str
    cancel_url: str
    expires_at: datetime
    coupon: str = ""
    trial_days: int = 0
    anchor: datetime | None = None
    automatic_tax: bool = False
    metadata: Metadata | None = None


class Stripe(Protocol):
    """See above."""

    # Any object that events tell of ---------------------------------------------------------------------------------
    def fetch(self, kind: Kind, object_id: str) -> Object:
        """The object as it is now. Deleted ones are missing."""
        ...

    def fetch_raw(self, kind: Kind, object_id: str) -> dict[str, Any]:
        """The same as Stripe tells it, with all that `reading.read` needs of it, for whoever mirrors it."""
        ...

    def events(self, since: datetime, until: datetime | None = None) -> Iterator[Event]:
        """What happened since then (30 days at most), the latest first."""
        ...

    # Catalogue ------------------------------------------------------------------------------------------------------
    def products(self) -> Iterator[Product]:
        """All products, archived ones too."""
        ...

    def create_product(
        self, code: str, *, name: str, description: str, tax_code: str, metadata: Metadata, key: str
    ) -> Product:
        """A product whose id is `code`."""
        ...

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
        ...

    def prices(self) -> Iterator[Price]:
        """All prices, archived ones too."""
        ...

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
        """A price, which takes the lookup key over from the one that had it. `interval` "" is for once; with `meter`
        (its id) it is billed by usage, `amount` for one. Tax comes on top of it."""
        ...

    def archive_price(self, price: str, *, key: str) -> Price:
        """Sell no more at this price. Who pays it goes on paying it."""
        ...

    def coupons(self) -> Iterator[Coupon]:
        """All coupons."""
        ...

    def create_coupon(
        self, code: str, *, name: str, percent: str, duration: str, metadata: Metadata, key: str
    ) -> Coupon:
        """A coupon of so many percent. `duration` is "once" or "forever"."""
        ...

    def meters(self) -> Iterator[Meter]:
        """All meters."""
        ...

    def create_meter(self, event_name: str, *, name: str, key: str) -> Meter:
        """A meter that adds up the values of its events, by customer."""
        ...

    # Customers ------------------------------------------------------------------------------------------------------
    def create_customer(self, *, email: str, name: str, metadata: Metadata, key: str) -> Customer:
        """Somebody who may pay."""
        ...

    def update_customer(
        self, customer: str, *, email: str | None = None, name: str | None = None, key: str
    ) -> Customer:
        """Another address or name for bills."""
        ...

    def add_tax_id(self, customer: str, *, type: str, value: str, key: str) -> Customer:
        """A VAT id (or its like, by Stripe's type: "eu_vat") for bills."""
        ...

    def remove_tax_ids(self, customer: str, *, key: str) -> Customer:
        """No tax id any more."""
        ...

    # Buying ---------------------------------------------------------------------------------------------------------
    def open_checkout(self, order: CheckoutOrder, *, key: str) -> CheckoutSession:
        """A payment page."""
        ...

    def expire_checkout(self, session: str, *, key: str) -> CheckoutSession:
        """Close a payment page. Refused where it was paid."""
        ...

    def ensure_portal(self, *, key: str) -> str:
        """The id of the portal's configuration, made where there is none: payment method, address, tax id, invoices,
        and no way to change or end a plan."""
        ...

    def open_portal(self, customer: str, *, configuration: str, return_url: str, key: str) -> str:
        """The address of a page where the customer changes payment method and address, and sees invoices."""
        ...

    def preview_change(self, subscription: str, changes: Sequence[ItemChange], *, at: datetime) -> Preview:
        """What these changes would cost if they were made at that moment."""
        ...

    def change_subscription(
        self,
        subscription: str,
        changes: Sequence[ItemChange],
        *,
        at: datetime,
        metadata: Metadata | None = None,
        key: str,
    ) -> Subscription:
        """Change it and bill the difference at once, in proportion from that moment on. Refused (`payment_failed`), and
        nothing changed, where it can't be paid."""
        ...

    def cancel_subscription(self, subscription: str, *, at_period_end: bool, key: str) -> Subscription:
        """End it now or when its period ends, and bill what was used till then. Nothing is given back for the rest."""
        ...

    def resume_subscription(self, subscription: str, *, key: str) -> Subscription:
        """Go on with one that was to end with its period."""
        ...

    # Looking things up ----------------------------------------------------------------------------------------------
    def customers(self) -> Iterator[Customer]:
        """All customers but those that were deleted, the latest first."""
        ...

    def subscriptions(self, customer: str = "") -> Iterator[Subscription]:
        """All subscriptions, ended ones too; of one customer where one is named."""
        ...

    def invoices(
        self, customer: str = "", since: datetime | None = None, *, status: str = "", whole: bool = True
    ) -> Iterator[Invoice]:
        """Invoices, the latest first. Those that are not wanted whole tell their first lines only, without the codes
        of their prices, and cost no request of their own."""
        ...

    def checkouts(self, since: datetime | None = None) -> Iterator[CheckoutSession]:
        """Payment pages, the latest first."""
        ...

    def payments(self, customer: str = "", since: datetime | None = None) -> Iterator[Payment]:
        """Payments, the latest first."""
        ...

    def refunds(self, payment_intent: str = "", since: datetime | None = None) -> Iterator[Refund]:
        """Refunds, the latest first."""
        ...

    def disputes(self, payment_intent: str = "", since: datetime | None = None) -> Iterator[Dispute]:
        """Disputes, the latest first."""
        ...

    def balance_transactions(self, since: datetime, until: datetime | None = None) -> Iterator[BalanceTransaction]:
        """What moved on our account, the latest first."""
        ...

    def balance(self) -> Balance:
        """What is on our account."""
        ...

    # Money back -----------------------------------------------------------------------------------------------------
    def refund(self, payment_intent: str, *, amount: int, reason: str, metadata: Metadata, key: str) -> Refund:
        """Give back so much of a payment. `reason`: duplicate, fraudulent, requested_by_customer. Refused
        (`charge_already_refunded`, `amount_too_large`) where that is more than is left of it."""
        ...

    # Usage ----------------------------------------------------------------------------------------------------------
    def report_usage(self, event_name: str, customer: str, value: int, *, identifier: str, at: datetime) -> None:
        """Add so much to a customer's meter. The same identifier within a day counts once."""
        ...

    def take_usage_back(self, event_name: str, *, identifier: str) -> None:
        """Take back what was reported under this identifier within the last day."""
        ...

    def reported_usage(self, meter: str, customer: str, start: datetime, end: datetime) -> int:
        """What the meter (its id) has of a customer in a time, in full minutes."""
        ...
