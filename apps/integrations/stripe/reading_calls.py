"""Calls that change nothing: objects by their ids, and lists of them."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Literal, cast

import stripe
from django.utils.translation import gettext_lazy as _

from apps.integrations.stripe import reading
from apps.integrations.stripe.errors import StripeMissingError
from apps.integrations.stripe.objects import (
    Balance,
    BalanceTransaction,
    CheckoutSession,
    Customer,
    Dispute,
    Event,
    Invoice,
    Kind,
    Payment,
    Refund,
    Subscription,
)
from apps.integrations.stripe.port import Object
from apps.integrations.stripe.reading import Raw
from apps.integrations.stripe.wire import Wire, explained, raw, seconds

if TYPE_CHECKING:
    from stripe.params import (
        BalanceTransactionListParams,
        CustomerListParams,
        DisputeListParams,
        EventListParams,
        InvoiceLineItemListParams,
        InvoiceListParams,
        PaymentIntentListParams,
        RefundListParams,
        SubscriptionListParams,
    )
    from stripe.params.checkout import SessionListParams

_InvoiceStatus = Literal["draft", "open", "paid", "uncollectible", "void"]

PAGE = 100  # the most that Stripe gives at a time
CUSTOMER_PARTS = ["invoice_settings.default_payment_method", "tax_ids"]
CHARGE_PARTS = ["latest_charge.balance_transaction"]
SUBSCRIPTION_PARTS = ["default_payment_method"]
INVOICE_PARTS = ["payments"]
# Not of the invoice itself: from there it would be a level deeper than Stripe expands.
LINE_PARTS = ["data.pricing.price_details.price"]


class ReadingCalls(Wire):
    """See `port.Stripe`."""

    def fetch(self, kind: Kind, object_id: str) -> Object:
        """The object as it is now."""
        return reading.read(kind, self.fetch_raw(kind, object_id))

    def fetch_raw(self, kind: Kind, object_id: str) -> Raw:
        """The same as Stripe tells it, with all that `reading.read` needs of it."""
        with explained():
            told = self._finders()[kind](object_id)
        found = raw(told)
        if found.get("deleted"):
            raise StripeMissingError(_("The payment provider knows nothing of it."))
        return self._with_all_lines(found) if kind == "invoice" else found

    def _finders(self) -> dict[Kind, Callable[[str], stripe.StripeObject]]:
        ask = self._stripe
        return {
            "customer": lambda id: ask.customers.retrieve(id, {"expand": CUSTOMER_PARTS}),
            "subscription": lambda id: ask.subscriptions.retrieve(id, {"expand": SUBSCRIPTION_PARTS}),
            "invoice": lambda id: ask.invoices.retrieve(id, {"expand": INVOICE_PARTS}),
            "payment_intent": lambda id: ask.payment_intents.retrieve(id, {"expand": CHARGE_PARTS}),
            "refund": ask.refunds.retrieve,
            "dispute": ask.disputes.retrieve,
            "checkout.session": ask.checkout.sessions.retrieve,
            "payment_method": ask.payment_methods.retrieve,
        }

    def _with_all_lines(self, invoice: Raw) -> Raw:
        """An invoice tells its first lines only, and of their prices no more than the ids."""
        wanted: InvoiceLineItemListParams = {"limit": PAGE, "expand": LINE_PARTS}
        lines = self._listed(lambda: self._stripe.invoices.line_items.list(invoice["id"], wanted), dict)
        invoice["lines"] = {**(invoice.get("lines") or {}), "data": list(lines), "has_more": False}
        return invoice

    # Lists, the latest first ----------------------------------------------------------------------------------------
    def events(self, since: datetime, until: datetime | None = None) -> Iterator[Event]:
        """What happened since then (30 days at most)."""
        wanted: EventListParams = {"limit": PAGE, "created": {"gte": seconds(since)}}
        if until is not None:
            wanted["created"] = {"gte": seconds(since), "lt": seconds(until)}
        return self._listed(lambda: self._stripe.events.list(wanted), reading.event)

    def customers(self) -> Iterator[Customer]:
        """All customers, as `fetch` tells them."""
        wanted: CustomerListParams = {"limit": PAGE, "expand": [f"data.{part}" for part in CUSTOMER_PARTS]}
        return self._listed(lambda: self._stripe.customers.list(wanted), reading.customer)

    def subscriptions(self, customer: str = "") -> Iterator[Subscription]:
        """All subscriptions, ended ones too; of one customer where one is named."""
        wanted: SubscriptionListParams = {
            "limit": PAGE,
            "status": "all",
            "expand": [f"data.{part}" for part in SUBSCRIPTION_PARTS],
        }
        if customer:
            wanted["customer"] = customer
        return self._listed(lambda: self._stripe.subscriptions.list(wanted), reading.subscription)

    def invoices(
        self, customer: str = "", since: datetime | None = None, *, status: str = "", whole: bool = True
    ) -> Iterator[Invoice]:
        """Invoices; of those that are wanted whole, one more request for the lines of each."""
        wanted: InvoiceListParams = {"limit": PAGE, "expand": [f"data.{part}" for part in INVOICE_PARTS]}
        if customer:
            wanted["customer"] = customer
        if since is not None:
            wanted["created"] = {"gte": seconds(since)}
        if status:
            wanted["status"] = cast(_InvoiceStatus, status)
        return self._listed(
            lambda: self._stripe.invoices.list(wanted),
            lambda found: reading.invoice(self._with_all_lines(found) if whole else found),
        )

    def checkouts(self, since: datetime | None = None) -> Iterator[CheckoutSession]:
        """Payment pages."""
        wanted: SessionListParams = {"limit": PAGE}
        if since is not None:
            wanted["created"] = {"gte": seconds(since)}
        return self._listed(lambda: self._stripe.checkout.sessions.list(wanted), reading.checkout)

    def payments(self, customer: str = "", since: datetime | None = None) -> Iterator[Payment]:
        """Payments."""
        wanted: PaymentIntentListParams = {"limit": PAGE, "expand": [f"data.{part}" for part in CHARGE_PARTS]}
        if customer:
            wanted["customer"] = customer
        if since is not None:
            wanted["created"] = {"gte": seconds(since)}
        return self._listed(lambda: self._stripe.payment_intents.list(wanted), reading.payment)

    def refunds(self, payment_intent: str = "", since: datetime | None = None) -> Iterator[Refund]:
        """Refunds."""
        wanted: RefundListParams = {"limit": PAGE}
        if payment_intent:
            wanted["payment_intent"] = payment_intent
        if since is not None:
            wanted["created"] = {"gte": seconds(since)}
        return self._listed(lambda: self._stripe.refunds.list(wanted), reading.refund)

    def disputes(self, payment_intent: str = "", since: datetime | None = None) -> Iterator[Dispute]:
        """Disputes."""
        wanted: DisputeListParams = {"limit": PAGE}
        if payment_intent:
            wanted["payment_intent"] = payment_intent
        if since is not None:
            wanted["created"] = {"gte": seconds(since)}
        return self._listed(lambda: self._stripe.disputes.list(wanted), reading.dispute)

    def balance_transactions(self, since: datetime, until: datetime | None = None) -> Iterator[BalanceTransaction]:
        """What moved on our account."""
        wanted: BalanceTransactionListParams = {"limit": PAGE, "created": {"gte": seconds(since)}}
        if until is not None:
            wanted["created"] = {"gte": seconds(since), "lt": seconds(until)}
        return self._listed(lambda: self._stripe.balance_transactions.list(wanted), reading.balance_transaction)

    def balance(self) -> Balance:
        """What is on our account."""
        with explained():
            told = self._stripe.balance.retrieve()
        return reading.balance(raw(told))
