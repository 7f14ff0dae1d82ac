"""What is paid again and again, and what was ordered."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import display

from apps.billing.admin.base import BillingAdmin, LineFilter, ProductFilter, amount, once, price_name, product_name
from apps.billing.models import Invoice, Order, OverageReport, Payment, Subscription
from apps.billing.words import known_price
from apps.core.admin_base import button
from apps.core.staff.display import NOTHING, at, list_url, row_link, state_tag, tag, text_block, when
from apps.core.staff.lists import DaysFilter, PeriodFilter

STATUS_TONES = {
    "incomplete": "wait",
    "incomplete_expired": "",
    "trialing": "go",
    "active": "ok",
    "past_due": "bad",
    "unpaid": "bad",
    "paused": "wait",
    "canceled": "",
}
ORDER_TONES = {"open": "wait", "paid": "ok", "expired": "", "reversed": "bad"}


@admin.register(Subscription)
class SubscriptionAdmin(BillingAdmin):
    """Subscriptions as Stripe said last. Customers change theirs themselves; a refund in full ends one."""

    at_stripe = "subscription"
    list_display = ("shown_product", "organization_link", "shown_status", "quantity", "period_ends", "ends", "began")
    list_filter = (
        ("status", ChoicesDropdownFilter),
        LineFilter,
        ProductFilter,
        ("organization", AutocompleteSelectFilter),
    )
    list_before_template = None
    search_help_text = _("sub_…, here or at Stripe, org_… or the organization's slug")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("shown_product", "shown_status"),
                    ("organization_link", "line"),
                    ("price", "quantity"),
                    ("period_begins", "period_ends"),
                    ("trial_ends", "began"),
                    ("ends", "ended"),
                    ("full_id", "stripe_link"),
                    ("end_ordered", "shown_error"),
                )
            },
        ),
    )

    def title_of(self, row: Subscription) -> str:
        """What is paid for."""
        return product_name(row.product)

    def links(self, request: HttpRequest, row: Subscription) -> list[dict[str, Any]]:
        """To its bills and to what was reported for it."""
        of_it = {"subscription__id__exact": row.pk, "period": PeriodFilter.ANY}
        return [
            button(_("Invoices"), list_url(Invoice, **of_it), "receipt_long"),
            button(_("Overage"), list_url(OverageReport, subscription__id__exact=row.pk), "trending_up"),
        ]

    @display(description=_("product"))
    def shown_product(self, obj: Subscription) -> str:
        """By its name."""
        return product_name(obj.product)

    @display(description=_("status"))
    def shown_status(self, obj: Subscription) -> str:
        """In words and colour; what is suspended grants nothing, whatever Stripe says."""
        return tag(_("Suspended"), "bad") if obj.suspended else state_tag(obj, STATUS_TONES, "status")

    @display(description=_("period began"))
    def period_begins(self, obj: Subscription) -> str:
        """When the time began that is paid for."""
        return when(obj.period_start)

    @display(description=_("period ends"))
    def period_ends(self, obj: Subscription) -> str:
        """When it is paid again."""
        return when(obj.period_end)

    @display(description=_("trial ends"))
    def trial_ends(self, obj: Subscription) -> str:
        """When it is paid first."""
        return at(obj.trial_end)

    @display(description=_("ends"))
    def ends(self, obj: Subscription) -> str:
        """When, where it was cancelled."""
        return when(obj.cancel_at)

    @display(description=_("ended"))
    def ended(self, obj: Subscription) -> str:
        """When it did."""
        return when(obj.ended_at)

    @display(description=_("began"))
    def began(self, obj: Subscription) -> str:
        """When it was taken out."""
        return when(obj.created_at)

    @display(description=_("end ordered"))
    def end_ordered(self, obj: Subscription) -> str:
        """When Stripe was to end it."""
        return when(obj.end_ordered_at)

    @display(description=_("last error"))
    def shown_error(self, obj: Subscription) -> str:
        """Why it has not ended yet."""
        return text_block(obj.last_error)


@admin.register(Order)
class OrderAdmin(BillingAdmin):
    """What somebody wanted to buy, and what became of it."""

    found_by = ("session_id", "payment_intent")
    list_display = (
        "short_id",
        "organization_link",
        "shown_product",
        "quantity",
        "shown_state",
        "shown_total",
        "created",
    )
    list_filter = (
        PeriodFilter,
        ("state", ChoicesDropdownFilter),
        ("organization", AutocompleteSelectFilter),
        ("created_at", DaysFilter),
    )
    search_help_text = _("order_…, Stripe's id of its page or payment, org_… or the organization's slug")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("shown_product", "shown_state"),
                    ("organization_link", "created_by"),
                    ("price", "quantity"),
                    ("shown_total", "shown_tax"),
                    ("created", "paid"),
                    ("coupon", "sessions"),
                    ("full_id", "session_id"),
                    "payment_link",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        """With who ordered, on a row's page."""
        return super().get_queryset(request).select_related("created_by")

    @display(description=_("product"))
    def shown_product(self, obj: Order) -> str:
        """By its name."""
        return price_name(obj.price)

    @display(description=_("state"))
    def shown_state(self, obj: Order) -> str:
        """In words and colour."""
        return state_tag(obj, ORDER_TONES)

    @display(description=_("total"))
    def shown_total(self, obj: Order) -> str:
        """What was paid; nothing yet for a trial."""
        is_subscription = (price := known_price(obj.price)) is not None and bool(price.interval)
        if obj.state == Order.State.PAID and not obj.total and is_subscription:
            return tag(_("trial"), "go")
        return amount(obj.total, obj.currency)

    @display(description=_("tax"))
    def shown_tax(self, obj: Order) -> str:
        """What of it is the state's."""
        return amount(obj.tax, obj.currency)

    @display(description=_("paid"))
    def paid(self, obj: Order) -> str:
        """When."""
        return when(obj.paid_at)

    @display(description=_("payment"))
    @once
    def payment_link(self, obj: Order) -> str:
        """The money that arrived for it."""
        found = Payment.objects.for_organization(obj.organization_id).filter(order=obj).first()
        return row_link(found) if found else obj.payment_intent or NOTHING
