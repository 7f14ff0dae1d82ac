"""Calls about who pays, what for, and what is given back."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from apps.integrations.stripe import reading
from apps.integrations.stripe.errors import StripeMissingError, StripeRefusedError
from apps.integrations.stripe.objects import CheckoutSession, Customer, Preview, Refund, Subscription
from apps.integrations.stripe.port import CheckoutOrder, ItemChange, Metadata
from apps.integrations.stripe.reading_calls import CUSTOMER_PARTS, PAGE, SUBSCRIPTION_PARTS
from apps.integrations.stripe.wire import Wire, explained, once, raw, seconds

if TYPE_CHECKING:
    from stripe.params import (
        CustomerCreateParams,
        CustomerUpdateParams,
        InvoiceCreatePreviewParams,
        InvoiceCreatePreviewParamsSubscriptionDetailsItem,
        RefundCreateParams,
        SubscriptionUpdateParams,
        SubscriptionUpdateParamsItem,
    )
    from stripe.params.checkout import (
        SessionCreateParams,
        SessionCreateParamsLineItem,
        SessionCreateParamsSubscriptionData,
    )


class PayingCalls(Wire):
    """See `port.Stripe`."""

    # Customers ------------------------------------------------------------------------------------------------------
    def create_customer(self, *, email: str, name: str, metadata: Metadata, key: str) -> Customer:
        """Somebody who may pay."""
        wanted: CustomerCreateParams = {"email": email, "metadata": dict(metadata), "expand": CUSTOMER_PARTS}
        if name:
            wanted["name"] = name
        with explained():
            told = self._stripe.customers.create(wanted, once(key))
        return reading.customer(raw(told))

    def update_customer(
        self, customer: str, *, email: str | None = None, name: str | None = None, key: str
    ) -> Customer:
        """Another address or name for bills."""
        wanted: CustomerUpdateParams = {"expand": CUSTOMER_PARTS}
        if email is not None:
            wanted["email"] = email
        if name is not None:
            wanted["name"] = name
        with explained():
            told = self._stripe.customers.update(customer, wanted, once(key))
        return reading.customer(raw(told))

    def add_tax_id(self, customer: str, *, type: str, value: str, key: str) -> Customer:
        """A VAT id (or its like, by Stripe's type: "eu_vat") for bills."""
        with explained():
            self._stripe.customers.tax_ids.create(customer, {"type": type, "value": value}, once(key))
        return self._customer(customer)

    def remove_tax_ids(self, customer: str, *, key: str) -> Customer:
        """No tax id any more. Those that are gone already stay gone, so that a repeat needs no key."""
        for tax_id in list(self._listed(lambda: self._stripe.customers.tax_ids.list(customer, {"limit": PAGE}), dict)):
            with suppress(StripeMissingError), explained():
                self._stripe.customers.tax_ids.delete(customer, tax_id["id"])
        return self._customer(customer)

    def _customer(self, customer: str) -> Customer:
        with explained():
            told = self._stripe.customers.retrieve(customer, {"expand": CUSTOMER_PARTS})
        return reading.customer(raw(told))

    # Stripe's pages -------------------------------------------------------------------------------------------------
    def open_checkout(self, order: CheckoutOrder, *, key: str) -> CheckoutSession:
        """A payment page."""
        with explained():
            told = self._stripe.checkout.sessions.create(_session(order), once(key))
        return reading.checkout(raw(told))

    def expire_checkout(self, session: str, *, key: str) -> CheckoutSession:
        """Close a payment page. Refused where it was paid."""
        with explained():
            told = self._stripe.checkout.sessions.expire(session, {}, once(key))
        return reading.checkout(raw(told))

    # Subscriptions --------------------------------------------------------------------------------------------------
    def preview_change(self, subscription: str, changes: Sequence[ItemChange], *, at: datetime) -> Preview:
        """What these changes would cost if they were made at that moment."""
        items: list[InvoiceCreatePreviewParamsSubscriptionDetailsItem] = [{**_item(change)} for change in changes]
        wanted: InvoiceCreatePreviewParams = {
            "subscription": subscription,
            "subscription_details": {
                "items": items,
                "proration_behavior": "always_invoice",
                "proration_date": seconds(at),
            },
        }
        with explained():
            told = self._stripe.invoices.create_preview(wanted)
        return reading.preview(raw(told))

    def change_subscription(
        self,
        subscription: str,
        changes: Sequence[ItemChange],
        *,
        at: datetime,
        metadata: Metadata | None = None,
        key: str,
    ) -> Subscription:
        """Change it and bill the difference at once. Refused (`payment_failed`), and nothing changed, where it can't be
        paid."""
        wanted: SubscriptionUpdateParams = {
            "items": [_item(change) for change in changes],
            "proration_behavior": "always_invoice",
            "proration_date": seconds(at),
            "payment_behavior": "error_if_incomplete",
            "expand": SUBSCRIPTION_PARTS,
        }
        if metadata is not None:
            wanted["metadata"] = dict(metadata)
        with explained():
            told = self._stripe.subscriptions.update(subscription, wanted, once(key))
        return reading.subscription(raw(told))

    def cancel_subscription(self, subscription: str, *, at_period_end: bool, key: str) -> Subscription:
        """End it now or when its period ends. What was used and not billed yet is billed as it ends; nothing is given
        back for the rest of a period. Stripe knows no keys for ending: what has ended already is shown."""
        if at_period_end:
            return self._end_with_period(subscription, True, key)
        try:
            with explained():
                ended = self._stripe.subscriptions.cancel(
                    subscription, {"invoice_now": True, "prorate": False, "expand": SUBSCRIPTION_PARTS}
                )
        except (StripeMissingError, StripeRefusedError) as error:
            with explained():
                ended = self._stripe.subscriptions.retrieve(subscription, {"expand": SUBSCRIPTION_PARTS})
            if ended.status != "canceled":
                raise error from None
        return reading.subscription(raw(ended))

    def resume_subscription(self, subscription: str, *, key: str) -> Subscription:
        """Go on with one that was to end with its period."""
        return self._end_with_period(subscription, False, key)

    def _end_with_period(self, subscription: str, ends: bool, key: str) -> Subscription:
        wanted: SubscriptionUpdateParams = {"cancel_at_period_end": ends, "expand": SUBSCRIPTION_PARTS}
        with explained():
            changed = self._stripe.subscriptions.update(subscription, wanted, once(key))
        return reading.subscription(raw(changed))

    # Money back -----------------------------------------------------------------------------------------------------
    def refund(self, payment_intent: str, *, amount: int, reason: str, metadata: Metadata, key: str) -> Refund:
        """Give back so much of a payment."""
        wanted: RefundCreateParams = {
            "payment_intent": payment_intent,
            "amount": amount,
            "reason": reason,
            "metadata": dict(metadata),
        }
        with explained():
            told = self._stripe.refunds.create(wanted, once(key))
        return reading.refund(raw(told))


def _item(change: ItemChange) -> "SubscriptionUpdateParamsItem":
    wanted: SubscriptionUpdateParamsItem = {}
    if change.id:
        wanted["id"] = change.id
    if change.price:
        wanted["price"] = change.price
    if change.quantity is not None:
        wanted["quantity"] = change.quantity
    if change.delete:
        wanted["deleted"] = True
    return wanted


def _session(order: CheckoutOrder) -> "SessionCreateParams":
    metadata = dict(order.metadata or {})
    wanted: SessionCreateParams = {
        "mode": order.mode,
        "customer": order.customer,
        "client_reference_id": order.reference,
        "line_items": list(_line_items(order)),
        "success_url": order.success_url,
        "cancel_url": order.cancel_url,
        "expires_at": seconds(order.expires_at),
        "metadata": metadata,
    }
    if order.coupon:
        wanted["discounts"] = [{"coupon": order.coupon}]
    if order.automatic_tax:
        wanted["automatic_tax"] = {"enabled": True}
        wanted["customer_update"] = {"address": "auto"}  # where it is used, so that renewals are taxed alike
    if order.mode == "subscription":
        wanted["subscription_data"] = _subscription_data(order, metadata)
    else:
        wanted["payment_intent_data"] = {"metadata": metadata}
        wanted["invoice_creation"] = {"enabled": True, "invoice_data": {"metadata": metadata}}
    return wanted


def _line_items(order: CheckoutOrder) -> Iterable["SessionCreateParamsLineItem"]:
    for each in order.wanted:
        item: SessionCreateParamsLineItem = {"price": each.price}
        if each.quantity is not None:
            item["quantity"] = each.quantity
        yield item


def _subscription_data(order: CheckoutOrder, metadata: dict[str, str]) -> "SessionCreateParamsSubscriptionData":
    wanted: SessionCreateParamsSubscriptionData = {"metadata": metadata}
    if order.trial_days:
        wanted["trial_period_days"] = order.trial_days
    if order.anchor is not None:
        wanted["billing_cycle_anchor"] = seconds(order.anchor)
        wanted["proration_behavior"] = "create_prorations"
    return wanted
