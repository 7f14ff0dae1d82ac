"""Stripe's objects as we read them: what we use of each, in our words. Amounts are minor units of `currency`, which is
written as `core.money` does ("USD").

Nothing of a card is among them but what a page shows of a payment method: its brand and its last four digits.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Kind = Literal[
    "customer", "subscription", "invoice", "payment_intent", "refund", "dispute", "checkout.session", "payment_method"
]  # fmt: skip


@dataclass(frozen=True)
class Customer:
    """Who pays. `method` is the payment method that is charged by default, in words: "Visa •••• 4242, 12/2031".

    `credit` is what coming bills are lessened by.
    """

    id: str
    email: str
    name: str
    currency: str
    method: str
    tax_ids: tuple[str, ...]
    credit: int = 0
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PaymentMethod:
    """What can be charged. `words` is what a page shows of it; `customer` is empty once it was taken off."""

    id: str
    customer: str
    type: str
    words: str


@dataclass(frozen=True)
class Item:
    """One price of a subscription. `lookup_key` is the code of the price in our catalogue."""

    id: str
    price: str
    lookup_key: str
    quantity: int
    metered: bool
    period_start: datetime
    period_end: datetime


@dataclass(frozen=True)
class Subscription:
    """What somebody pays for again and again. `status` is Stripe's.

    `method` is the payment method that is charged for it, in words; empty where it is the customer's own. A card that
    was named on a payment page is charged for what was bought there, and does not become the customer's.
    """

    id: str
    customer: str
    status: str
    currency: str
    items: tuple[Item, ...]
    cancel_at: datetime | None
    trial_end: datetime | None
    ended_at: datetime | None
    created: datetime
    metadata: dict[str, str] = field(default_factory=dict)
    method: str = ""

    @property
    def period_end(self) -> datetime | None:
        """When it is renewed next; the earliest of its items."""
        return min((item.period_end for item in self.items), default=None)


@dataclass(frozen=True)
class Line:
    """One line of an invoice, before discounts and tax. `price` is empty for a line that belongs to none.

    `lookup_key` is empty in previews, and where the price has handed it over to another one since.
    """

    id: str
    description: str
    amount: int
    quantity: int
    price: str
    lookup_key: str
    is_proration: bool
    subscription_item: str
    period_start: datetime
    period_end: datetime


@dataclass(frozen=True)
class Invoice:
    """A bill. `status` is Stripe's: draft, open, paid, uncollectible, void.

    Totals are after discounts, tax included.
    """

    id: str
    customer: str
    subscription: str
    number: str
    status: str
    reason: str
    currency: str
    total: int
    tax: int
    paid: int
    remaining: int
    attempts: int
    next_attempt: datetime | None
    payment_intents: tuple[str, ...]
    page: str
    pdf: str
    period_start: datetime
    period_end: datetime
    created: datetime
    lines: tuple[Line, ...]
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Payment:
    """A payment intent with its charge. `received` is what arrived, before `fee` was taken of it.

    Stripe works the fee out a little later than it tells of the payment, in the currency of our account there, which
    may be another one: while `fee_currency` is empty the fee is not known. An event of the charge tells when it is.
    """

    id: str
    customer: str
    status: str
    currency: str
    amount: int
    received: int
    charge: str
    fee: int
    refunded: int
    paid_at: datetime | None
    receipt: str
    failure: str
    created: datetime
    metadata: dict[str, str] = field(default_factory=dict)
    fee_currency: str = ""


@dataclass(frozen=True)
class Refund:
    """Money that went back. `status`: pending, requires_action, succeeded, failed, canceled."""

    id: str
    payment_intent: str
    amount: int
    currency: str
    status: str
    reason: str
    created: datetime
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Dispute:
    """A payment that its bank takes back. `fee` is what Stripe charges for it (less what it gave back of that).

    `fee_currency` is that of our account at Stripe; empty while no money has moved.
    """

    id: str
    payment_intent: str
    amount: int
    currency: str
    status: str
    reason: str
    fee: int
    due_by: datetime | None
    created: datetime
    fee_currency: str = ""

    @property
    def is_won(self) -> bool:
        """Whether the money came back to us."""
        return self.status in ("won", "warning_closed", "prevented")

    @property
    def is_lost(self) -> bool:
        """Whether it is gone for good."""
        return self.status == "lost"

    @property
    def was_withdrawn(self) -> bool:
        """Whether the money was withdrawn: an inquiry ("warning_…") takes none yet."""
        return not self.status.startswith("warning") and self.status != "prevented"


@dataclass(frozen=True)
class CheckoutSession:
    """A payment page of Stripe's.

    `status`: open, complete, expired; `payment_status`: paid, unpaid, no_payment_required.
    """

    id: str
    url: str
    status: str
    payment_status: str
    mode: str
    customer: str
    subscription: str
    payment_intent: str
    reference: str
    total: int
    tax: int
    currency: str
    expires_at: datetime
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Product:
    """What is sold. `code` is its id at Stripe and in our catalogue."""

    id: str
    name: str
    description: str
    active: bool
    tax_code: str
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Price:
    """What it costs. `amount` is in minor units, with up to 12 decimals for what is billed by usage ("0.15")."""

    id: str
    product: str
    lookup_key: str
    currency: str
    amount: str
    interval: str
    meter: str
    active: bool
    tax_behavior: str
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Coupon:
    """A discount. `id` is its code in our catalogue."""

    id: str
    name: str
    percent: str
    duration: str
    valid: bool
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Meter:
    """What usage is reported to. `event_name` is its name in our catalogue."""

    id: str
    event_name: str
    name: str
    active: bool


@dataclass(frozen=True)
class BalanceTransaction:
    """One line of our account at Stripe. `source` is the charge, refund, dispute or payout behind it."""

    id: str
    type: str
    amount: int
    fee: int
    net: int
    currency: str
    source: str
    description: str
    created: datetime


@dataclass(frozen=True)
class Balance:
    """What is on our account: to be paid out now, and still on its way there, by currency ("USD")."""

    available: Mapping[str, int]
    pending: Mapping[str, int]


@dataclass(frozen=True)
class Preview:
    """What a change of a subscription would cost: `due_now` at once, `total` on the invoice that it would make."""

    currency: str
    total: int
    due_now: int
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Event:
    """Something that happened at Stripe: to the object of this kind and id, which may have none.

    What happens to a charge is told of its payment intent, to an invoice's payment of the invoice, to a tax id of its
    customer. `payload` is what we keep of it: id, type, created, livemode, object_kind, object_id.
    """

    id: str
    type: str
    object_kind: str
    object_id: str
    created: datetime
    payload: dict[str, object]
