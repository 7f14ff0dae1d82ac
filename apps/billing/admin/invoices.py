"""Bills as Stripe made them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import display

from apps.billing.admin.base import BillingAdmin, amount, once
from apps.billing.models import Invoice, InvoiceLine, Payment
from apps.core.admin_base import StaffInline, button
from apps.core.staff.display import NOTHING, at, link, list_url, row_link, state_tag, when
from apps.core.staff.lists import DaysFilter, PeriodFilter
from apps.core.templatetags.levqor import money as written
from apps.core.templatetags.levqor import number
from apps.ledger.models import Transfer

TONES = {"draft": "", "open": "wait", "paid": "ok", "uncollectible": "bad", "void": ""}


class LineInline(StaffInline):
    """What the bill is made of."""

    model = InvoiceLine
    fields = ("description", "price", "shown_quantity", "shown_amount", "since", "until")
    verbose_name_plural = _("lines")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the bill, whose currency they have."""
        return super().get_queryset(request).select_related("invoice")

    @display(description=_("quantity"))
    def shown_quantity(self, obj: InvoiceLine) -> str:
        """With thousands separators."""
        return number(obj.quantity)

    @display(description=_("amount"))
    def shown_amount(self, obj: InvoiceLine) -> str:
        """Below zero it takes something off."""
        return amount(obj.amount, obj.invoice.currency)

    @display(description=_("from"))
    def since(self, obj: InvoiceLine) -> str:
        """The begin of what is paid for."""
        return when(obj.period_start)

    @display(description=_("until"))
    def until(self, obj: InvoiceLine) -> str:
        """Its end."""
        return when(obj.period_end)


@admin.register(Invoice)
class InvoiceAdmin(BillingAdmin):
    """Bills with their lines. They are changed at Stripe alone."""

    lookups = ("subscription",)
    found_by = ("stripe_id", "number", "payment_intent")
    at_stripe = "invoice"
    list_display = (
        "shown_number",
        "organization_link",
        "shown_status",
        "shown_total",
        "remains",
        "attempts",
        "created",
    )
    list_filter = (
        PeriodFilter,
        ("status", ChoicesDropdownFilter),
        ("organization", AutocompleteSelectFilter),
        ("created_at", DaysFilter),
    )
    search_help_text = _("inv_…, number, Stripe's id, org_… or the organization's slug")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("shown_number", "shown_status"),
                    ("organization_link", "bought"),
                    ("shown_total", "shown_tax"),
                    ("remains", "payment_link"),
                    ("attempts", "tried_again"),
                    ("created", "shown_pages"),
                    ("full_id", "stripe_link"),
                )
            },
        ),
    )
    inlines = (LineInline,)

    def links(self, request: HttpRequest, row: Invoice) -> list[dict[str, Any]]:
        """To what was booked for it."""
        return [button(_("Booked"), list_url(Transfer, subject=row.stripe_id, period=PeriodFilter.ANY), "account_tree")]

    @display(description=_("number"))
    def shown_number(self, obj: Invoice) -> str:
        """As on the bill; a draft has none."""
        return str(obj)

    @display(description=_("status"))
    def shown_status(self, obj: Invoice) -> str:
        """In words and colour."""
        return state_tag(obj, TONES, "status")

    @display(description=_("total"))
    def shown_total(self, obj: Invoice) -> str:
        """With tax."""
        return written(obj.money)

    @display(description=_("tax"))
    def shown_tax(self, obj: Invoice) -> str:
        """What of it is the state's."""
        return amount(obj.tax, obj.currency)

    @display(description=_("still to pay"))
    def remains(self, obj: Invoice) -> str:
        """What has not been paid."""
        return amount(obj.remaining, obj.currency)

    @display(description=_("next attempt"))
    def tried_again(self, obj: Invoice) -> str:
        """When Stripe tries once more."""
        return at(obj.next_attempt)

    @display(description=_("for"))
    def bought(self, obj: Invoice) -> str:
        """The subscription, or the order of what was bought once."""
        return row_link(obj.subscription or obj.order)

    @display(description=_("payment"))
    @once
    def payment_link(self, obj: Invoice) -> str:
        """The money that arrived for it."""
        found = Payment.objects.for_organization(obj.organization_id).filter(invoice=obj).first()
        return row_link(found) if found else obj.payment_intent or NOTHING

    @display(description=_("page of the customer"))
    def shown_pages(self, obj: Invoice) -> str:
        """Where the customer pays and reads it."""
        return link(obj.page, _("open")) if obj.page else NOTHING
