"""What was paid, what went back, and what a bank took back."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import display

from apps.billing.admin.base import BillingAdmin, OfPaymentAdmin, amount, once
from apps.billing.foresight import after_refund
from apps.billing.models import Dispute, Payment, Refund
from apps.billing.services.refunds import left_of, order_refund, refundable
from apps.billing.services.turns import take_turn
from apps.billing.staff_forms import RefundForm
from apps.core.admin_base import StaffInline, button
from apps.core.staff.actions import StaffAction
from apps.core.staff.display import NOTHING, at, link, list_url, row_link, state_tag, tag, text_block, when
from apps.core.staff.lists import DaysFilter, KnownValuesFilter, PeriodFilter
from apps.core.templatetags.levqor import money as written
from apps.ledger.models import Transfer

REFUND = "billing.refund_payment"
REFUND_TONES = {"ordered": "wait", "pending": "go", "succeeded": "ok", "failed": "bad", "refused": "bad"}
OPEN = "open"
DISPUTE_WORDS = {
    "needs_response": _("needs an answer"),
    "under_review": _("under review"),
    "won": _("won"),
    "lost": _("lost"),
    "warning_needs_response": _("inquiry, needs an answer"),
    "warning_under_review": _("inquiry, under review"),
    "warning_closed": _("inquiry closed"),
    "prevented": _("prevented"),
}
DISPUTE_TONES = {**dict.fromkeys(Dispute.UNDECIDED, "wait"), "needs_response": "bad", "lost": "bad", "won": "ok"}


def _refund(request: HttpRequest, row: Payment, data: dict[str, Any]) -> None:
    order_refund(row, data["minor"], reason=data["reason"], note=data["note"], by=request.user)


class RefundInline(StaffInline):
    """What went back of the payment, or is about to."""

    model = Refund
    fields = ("shown_amount", "shown_state", "reason", "ordered_by", "created", "last_error")
    ordering = ("-pk",)
    verbose_name_plural = _("refunds")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With what is shown of them."""
        return super().get_queryset(request).select_related("payment", "ordered_by")

    @display(description=_("amount"))
    def shown_amount(self, obj: Refund) -> str:
        """Leads to its page."""
        return row_link(obj, written(obj.money))

    @display(description=_("state"))
    def shown_state(self, obj: Refund) -> str:
        """In words and colour."""
        return state_tag(obj, REFUND_TONES)

    @display(description=_("created"))
    def created(self, obj: Refund) -> str:
        """When it was ordered."""
        return when(obj.created_at)


class DisputeInline(StaffInline):
    """What the payer's bank says of it."""

    model = Dispute
    fields = ("shown_amount", "shown_status", "reason", "answer_by")
    ordering = ("-pk",)
    verbose_name_plural = _("disputes")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the payment, whose currency it has."""
        return super().get_queryset(request).select_related("payment")

    @display(description=_("amount"))
    def shown_amount(self, obj: Dispute) -> str:
        """Leads to its page."""
        return row_link(obj, written(obj.money))

    @display(description=_("status"))
    def shown_status(self, obj: Dispute) -> str:
        """In words and colour."""
        return _dispute_tag(obj)

    @display(description=_("answer by"))
    def answer_by(self, obj: Dispute) -> str:
        """When it is lost without an answer."""
        return _answer_by(obj)


@admin.register(Payment)
class PaymentAdmin(BillingAdmin):
    """Money that arrived. It goes back by an action."""

    lookups = ("order", "invoice")
    found_by = ("stripe_id", "charge")
    at_stripe = "payment_intent"
    list_select_related = ("organization", "order", "invoice")
    list_display = ("short_id", "organization_link", "shown_amount", "shown_back", "bought", "paid")
    list_filter = (PeriodFilter, ("organization", AutocompleteSelectFilter), ("paid_at", DaysFilter))
    search_help_text = _("pay_…, Stripe's id of payment or charge, org_… or the organization's slug")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("shown_amount", "full_id"),
                    ("organization_link", "bought"),
                    ("paid", "stripe_link"),
                    ("shown_fee", "charge"),
                    ("shown_refunded", "shown_disputed"),
                    ("shown_left", "shown_receipt"),
                )
            },
        ),
    )
    inlines = (RefundInline, DisputeInline)
    staff_actions = (
        StaffAction(
            name="refund",
            label=_("Refund"),
            question=_("Money goes back to who paid it. Stripe does it once, and it can't be taken back."),
            permission=REFUND,
            do=_refund,
            icon="undo",
            applies=lambda row: left_of(row).minor > 0,
            danger=True,
            told=_("Refund ordered."),
            form=RefundForm,
            foresee=lambda row, data: after_refund(row, data["minor"]),
            first=lambda row: take_turn(row.organization_id),
        ),
    )

    def links(self, request: HttpRequest, row: Payment) -> list[dict[str, Any]]:
        """To what was booked for it."""
        return [button(_("Booked"), list_url(Transfer, subject=row.stripe_id, period=PeriodFilter.ANY), "account_tree")]

    @display(description=_("amount"))
    def shown_amount(self, obj: Payment) -> str:
        """What arrived."""
        return written(obj.money)

    @display(description=_("went back"))
    def shown_back(self, obj: Payment) -> str:
        """Refunded or disputed; all of it in colour."""
        back = amount(obj.gone, obj.currency)
        return back if back == NOTHING else tag(back, "bad" if obj.is_reversed else "wait")

    @display(description=_("for"))
    def bought(self, obj: Payment) -> str:
        """The bill or the order."""
        return row_link(obj.order or obj.invoice)

    @display(description=_("paid"))
    def paid(self, obj: Payment) -> str:
        """When it arrived."""
        return when(obj.paid_at)

    @display(description=_("fee"))
    def shown_fee(self, obj: Payment) -> str:
        """What Stripe took."""
        return amount(obj.fee, obj.currency)

    @display(description=_("refunded"))
    def shown_refunded(self, obj: Payment) -> str:
        """What Stripe took back from us for the customer."""
        return amount(obj.refunded, obj.currency)

    @display(description=_("disputed"))
    def shown_disputed(self, obj: Payment) -> str:
        """What a bank took back."""
        return amount(obj.disputed, obj.currency)

    @display(description=_("can be refunded"))
    @once
    def shown_left(self, obj: Payment) -> str:
        """What can be refunded now."""
        return amount(refundable(obj).minor, obj.currency)

    @display(description=_("receipt"))
    def shown_receipt(self, obj: Payment) -> str:
        """The page that the customer has."""
        return link(obj.receipt, _("open")) if obj.receipt else NOTHING


@admin.register(Refund)
class RefundAdmin(OfPaymentAdmin):
    """What went back, or should have. One that was refused is ordered once more from its payment."""

    list_display = ("short_id", "payer", "shown_amount", "shown_state", "reason", "ordered_by", "created")
    list_select_related = ("payment__organization", "ordered_by")
    list_filter = (
        PeriodFilter,
        ("state", ChoicesDropdownFilter),
        ("payment__organization", AutocompleteSelectFilter),
        ("created_at", DaysFilter),
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("shown_amount", "shown_state"),
                    ("payment_link", "payer"),
                    ("reason", "ordered_by"),
                    ("created", "attempts"),
                    ("full_id", "stripe_link"),
                    "note",
                    "shown_error",
                )
            },
        ),
    )

    @display(description=_("amount"))
    def shown_amount(self, obj: Refund) -> str:
        """In the payment's currency."""
        return written(obj.money)

    @display(description=_("state"))
    def shown_state(self, obj: Refund) -> str:
        """In words and colour."""
        return state_tag(obj, REFUND_TONES)

    @display(description=_("payment"))
    def payment_link(self, obj: Refund) -> str:
        """Of what."""
        return row_link(obj.payment)

    @display(description=_("last error"))
    def shown_error(self, obj: Refund) -> str:
        """Why it did not go."""
        return text_block(obj.last_error)


class DisputeStatusFilter(KnownValuesFilter):
    """By status; all that is undecided together."""

    title = _("status")
    parameter_name = "status"

    def options(self) -> Iterable[tuple[str, Any]]:
        """In Stripe's words, in ours."""
        return [(OPEN, _("all that are open")), *DISPUTE_WORDS.items()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Django's hook."""
        return (
            queryset.filter(status__in=Dispute.UNDECIDED)
            if self.value() == OPEN
            else super().queryset(request, queryset)
        )


@admin.register(Dispute)
class DisputeAdmin(OfPaymentAdmin):
    """Payments that banks take back. They are answered at Stripe."""

    at_stripe = "dispute"
    list_display = ("short_id", "payer", "shown_amount", "shown_status", "reason", "answer_by", "created")
    list_filter = (
        PeriodFilter,
        DisputeStatusFilter,
        ("payment__organization", AutocompleteSelectFilter),
        ("created_at", DaysFilter),
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("shown_amount", "shown_status"),
                    ("payment_link", "payer"),
                    ("reason", "answer_by"),
                    ("shown_fee", "created"),
                    ("full_id", "stripe_link"),
                )
            },
        ),
    )

    @display(description=_("amount"))
    def shown_amount(self, obj: Dispute) -> str:
        """What it is about."""
        return written(obj.money)

    @display(description=_("status"))
    def shown_status(self, obj: Dispute) -> str:
        """In words and colour."""
        return _dispute_tag(obj)

    @display(description=_("answer by"))
    def answer_by(self, obj: Dispute) -> str:
        """When it is lost without an answer."""
        return _answer_by(obj)

    @display(description=_("payment"))
    def payment_link(self, obj: Dispute) -> str:
        """Of what."""
        return row_link(obj.payment)

    @display(description=_("fee"))
    def shown_fee(self, obj: Dispute) -> str:
        """What Stripe charges for it."""
        return amount(obj.fee, obj.payment.currency)


def _answer_by(row: Dispute) -> str:
    """To the minute; one that is decided needs no answer."""
    return at(row.due_by) if row.status in Dispute.UNDECIDED else NOTHING


def _dispute_tag(row: Dispute) -> str:
    return tag(DISPUTE_WORDS.get(row.status, row.status), DISPUTE_TONES.get(row.status, ""))
