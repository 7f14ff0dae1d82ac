"""What Stripe's mirror holds, for staff: to look at, by Stripe's own ids."""

from datetime import UTC, datetime
from typing import Any

from babel.core import get_global
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from djstripe.models import (
    Charge,
    Customer,
    Dispute,
    Invoice,
    PaymentIntent,
    Price,
    Product,
    Refund,
    StripeModel,
    Subscription,
)
from unfold.decorators import display

from apps.core.admin_base import StaffModelAdmin, button
from apps.core.money import Money
from apps.core.staff.display import NOTHING, json_block, link, list_url, tag, when
from apps.core.templatetags.levqor import money as written

TONES = {
    **dict.fromkeys(("active", "paid", "succeeded", "won"), "ok"),
    **dict.fromkeys(("trialing", "open", "processing", "requires_action", "pending", "under_review"), "wait"),
    **dict.fromkeys(("past_due", "unpaid", "uncollectible", "failed", "lost", "needs_response", "deleted"), "bad"),
}


class MirroredAdmin(StaffModelAdmin):
    """A kind of object: its list in the order in which rows came, and all that is stored of one."""

    narrowed: tuple[tuple[Any, str, Any], ...] = ()  # lists that hang on a row: model, its column, how they are called
    summary: tuple[str, ...] = ()  # columns between an object's id and its time
    search_help_text = _("Stripe's id, whole")
    list_display: Any = ()

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Django's hook."""
        return ("stripe_id", *self.summary, "shown_state", "when_created")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Django's hook."""
        known = ("stripe_id", "shown_state"), *((name,) for name in self.summary), ("when_created", "when_stored")
        return (None, {"fields": (*known, "mode")}), (_("As stored"), {"fields": ("shown_data",)})

    def key_of(self, text: str) -> Any:
        """The key of the row with this id of Stripe's."""
        return self.model._default_manager.filter(id=text.strip()).values_list("pk", flat=True).first()

    def title_of(self, row: StripeModel) -> str:
        """Stripe's id."""
        return str(row.id)

    def links(self, request: HttpRequest, row: StripeModel) -> list[dict[str, Any]]:
        """To what hangs on it."""
        return [button(title, list_url(model, **{column: row.id}), "list") for model, column, title in self.narrowed]

    @display(description=_("id"))
    def stripe_id(self, obj: StripeModel) -> str:
        """Stripe's."""
        return str(obj.id)

    @display(description=_("state"))
    def shown_state(self, obj: StripeModel) -> str:
        """In Stripe's word; of what was deleted or has not come yet, that."""
        if obj.stripe_data.get("deleted"):
            return tag(_("deleted"), TONES["deleted"])
        if "object" not in obj.stripe_data:
            return tag(_("only named so far"), "wait")
        active = {True: "active", False: "inactive", None: ""}[obj.stripe_data.get("active")]
        state = obj.stripe_data.get("status") or active
        return tag(state, TONES.get(state, "")) if state else NOTHING

    @display(description=_("created"))
    def when_created(self, obj: StripeModel) -> str:
        """At Stripe."""
        return when(obj.created)

    @display(description=_("stored"))
    def when_stored(self, obj: StripeModel) -> str:
        """When the mirror last heard of it."""
        return when(obj.djstripe_updated)

    @display(description=_("mode"))
    def mode(self, obj: StripeModel) -> str:
        """Live or test, where Stripe says."""
        return {True: str(_("live")), False: str(_("test"))}.get(obj.livemode, NOTHING)

    @display(description=_("customer"))
    def customer_link(self, obj: Any) -> str:
        """Whose it is."""
        return _to(Customer, obj.customer_id)

    @display(description=_("amount"))
    def shown_amount(self, obj: Any) -> str:
        """In its currency."""
        return _money(obj, "amount")

    @display(description=_("stored data"))
    def shown_data(self, obj: StripeModel) -> str:
        """All of it."""
        return json_block(obj.stripe_data)


@admin.register(Customer)
class CustomerAdmin(MirroredAdmin):
    """Who pays: whose they are is in the metadata."""

    summary = ("shown_metadata",)
    narrowed = (
        (Subscription, "customer", _("Subscriptions")),
        (Invoice, "customer", _("Invoices")),
        (PaymentIntent, "customer", _("Payments")),
        (Charge, "customer", _("Charges")),
    )

    @display(description=_("metadata"))
    def shown_metadata(self, obj: Customer) -> str:
        """What we said of it."""
        return ", ".join(f"{name}: {value}" for name, value in (obj.metadata or {}).items()) or NOTHING


@admin.register(Product)
class ProductAdmin(MirroredAdmin):
    """What is sold."""

    summary = ("name",)
    narrowed = ((Price, "product", _("Prices")),)


@admin.register(Price)
class PriceAdmin(MirroredAdmin):
    """What it costs."""

    lookups = ("product",)
    summary = ("lookup_key", "product_link", "shown_unit")

    @display(description=_("product"))
    def product_link(self, obj: Price) -> str:
        """What it is for."""
        return _to(Product, obj.product_id)

    @display(description=_("unit price"))
    def shown_unit(self, obj: Price) -> str:
        """A whole amount in its currency; parts of a minor unit as Stripe writes them."""
        exact = obj.stripe_data.get("unit_amount_decimal")
        return f"{exact} {obj.currency}" if obj.unit_amount is None and exact else _money(obj, "unit_amount")


@admin.register(Subscription)
class SubscriptionAdmin(MirroredAdmin):
    """What is paid for again and again."""

    lookups = ("customer",)
    summary = ("customer_link", "ends")
    narrowed = ((Invoice, "subscription", _("Invoices")),)

    @display(description=_("ends"))
    def ends(self, obj: Subscription) -> str:
        """When it ended or is to end."""
        moment = obj.stripe_data.get("ended_at") or obj.stripe_data.get("cancel_at")
        return when(datetime.fromtimestamp(moment, UTC)) if moment else NOTHING


@admin.register(Invoice)
class InvoiceAdmin(MirroredAdmin):
    """Bills."""

    lookups = ("customer", "subscription")
    summary = ("number", "customer_link", "total")

    @display(description=_("number"))
    def number(self, obj: Invoice) -> str:
        """What its reader knows it by."""
        return obj.stripe_data.get("number") or NOTHING

    @display(description=_("total"))
    def total(self, obj: Invoice) -> str:
        """In its currency."""
        return _money(obj, "total")


@admin.register(PaymentIntent)
class PaymentIntentAdmin(MirroredAdmin):
    """Payments, from the wish to pay on."""

    lookups = ("customer",)
    summary = ("customer_link", "shown_amount")
    narrowed = ((Charge, "payment_intent", _("Charges")), (Dispute, "payment_intent", _("Disputes")))


@admin.register(Charge)
class ChargeAdmin(MirroredAdmin):
    """Attempts to take the money."""

    lookups = ("customer", "payment_intent")
    summary = ("customer_link", "payment_link", "shown_amount")
    narrowed = ((Refund, "charge", _("Refunds")), (Dispute, "charge", _("Disputes")))

    @display(description=_("payment"))
    def payment_link(self, obj: Charge) -> str:
        """What it is an attempt of."""
        return _to(PaymentIntent, obj.payment_intent_id)


class OfAChargeAdmin(MirroredAdmin):
    """Money that goes back."""

    summary = ("charge_link", "shown_amount", "reason")

    @display(description=_("charge"))
    def charge_link(self, obj: Any) -> str:
        """What goes back."""
        return _to(Charge, obj.charge_id)

    @display(description=_("reason"))
    def reason(self, obj: Any) -> str:
        """In Stripe's word."""
        return obj.stripe_data.get("reason") or NOTHING


@admin.register(Refund)
class RefundAdmin(OfAChargeAdmin):
    """What we gave back."""

    lookups = ("charge",)


@admin.register(Dispute)
class DisputeAdmin(OfAChargeAdmin):
    """What banks took back."""

    lookups = ("charge", "payment_intent")


def _to(model: Any, stripe_id: str | None) -> str:
    """A link by an id alone: the list leads on to the row, so that no list reads the rows that it names."""
    return link(list_url(model, q=stripe_id), stripe_id) if stripe_id else NOTHING


def _money(row: StripeModel, name: str) -> str:
    minor, currency = row.stripe_data.get(name), str(row.stripe_data.get("currency") or "").upper()
    is_known = isinstance(minor, int) and currency in get_global("all_currencies")
    return written(Money(minor, currency)) if is_known else NOTHING
