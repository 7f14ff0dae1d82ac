"""Who pays: an organization as a customer, with all that it has to do with money, and what staff do for it."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from apps.accounts.models import Membership, Role
from apps.billing.admin import of_customer
from apps.billing.admin.base import BillingAdmin, once, organization_key
from apps.billing.models import Customer, PrivateCoupon
from apps.billing.services import coupons, credits, holds
from apps.billing.staff_forms import CouponForm, CreditsForm, HoldForm
from apps.core.staff.actions import StaffAction
from apps.core.staff.display import NOTHING, at, row_url, tag
from apps.core.staff.lists import KnownValuesFilter
from apps.core.templatetags.levqor import money

RELEASE, GIVE_CREDITS, GIVE_COUPON = "billing.change_customer", "billing.add_creditgrant", "billing.add_privatecoupon"
HELD = "held"


class HeldFilter(KnownValuesFilter):
    """Those who may not buy."""

    title = _("may buy")
    parameter_name = "hold"

    def options(self) -> Iterable[tuple[str, Any]]:
        """The others are almost all."""
        return [(HELD, _("on hold"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Django's hook."""
        return queryset.exclude(held_because="") if self.value() else queryset


def _give_credits(_request: HttpRequest, row: Customer, data: dict[str, Any]) -> None:
    credits.give(row.organization, data["calls"], data["reason"], data["until"])


def _give_coupon(_request: HttpRequest, row: Customer, data: dict[str, Any]) -> None:
    coupons.give(row.organization, data["coupon"], code=data["code"], expires_at=data["until"])


@admin.register(Customer)
class CustomerAdmin(BillingAdmin):
    """Organizations that bought something, or were about to."""

    at_stripe = "customer"
    list_display = ("organization_name", "stripe_link", "payment_method", "shown_cap", "shown_hold", "created")
    list_filter = (HeldFilter,)
    list_before_template = None
    search_help_text = _("cust_…, Stripe's id, org_…, the organization's slug or its owner's address")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("organization_link", "stripe_link"),
                    ("payment_method", "currency"),
                    ("shown_cap", "tax_ids"),
                    ("shown_hold", "held_because"),
                    ("created", "full_id"),
                )
            },
        ),
        (_("Subscriptions"), {"fields": ("subscriptions",)}),
        (_("Orders"), {"fields": ("orders",)}),
        (_("Invoices"), {"fields": ("invoices",)}),
        (_("Payments"), {"fields": ("payments",)}),
        (_("Credits"), {"fields": ("credits",)}),
        (_("Entitlements"), {"fields": ("entitlements",)}),
        (_("Coupons"), {"fields": ("coupons",)}),
        (_("Accounts in the ledger"), {"fields": ("accounts",)}),
        (_("Signs of abuse"), {"fields": ("abuse",)}),
    )
    staff_actions = (
        StaffAction(
            name="hold",
            label=_("Put on hold"),
            question=_(
                "The customer buys nothing and has no calls beyond the plan until somebody releases it, and open "
                "payment pages are closed."
            ),
            permission=RELEASE,
            do=lambda request, row, data: holds.hold_by_staff(row, data["reason"]),
            icon="lock",
            applies=lambda row: not row.held_because,
            danger=True,
            form=HoldForm,
        ),
        StaffAction(
            name="release",
            label=_("Release"),
            question=_("The customer may buy again. Look at the reason of the hold first."),
            permission=RELEASE,
            do=lambda request, row: holds.release(row),
            icon="lock_open",
            applies=lambda row: bool(row.held_because),
        ),
        StaffAction(
            name="give-credits",
            label=_("Give credits"),
            question=_("Calls beyond the plan, for nothing. They are used before those that were paid for."),
            permission=GIVE_CREDITS,
            do=_give_credits,
            icon="redeem",
            form=CreditsForm,
        ),
        StaffAction(
            name="give-coupon",
            label=_("Give a coupon"),
            question=_("A discount that this organization alone can use, once. Tell it the code."),
            permission=GIVE_COUPON,
            do=_give_coupon,
            icon="sell",
            form=CouponForm,
        ),
    )

    def where(self, text: str, kept: dict[str, Any]) -> str:
        """The customer itself: an organization is one. An address leads to what its person owns, where that is one."""
        key = organization_key(text)
        if key is None and "@" in text:
            owned = Membership.objects.filter(user__email=text.lower(), role=Role.OWNER)
            rows = Customer.objects.filter(organization__in=owned.values("organization")).only("pk")[:2]
        elif key is not None:
            rows = Customer.objects.filter(organization=key).only("pk")[:2]
        else:
            return super().where(text, kept)
        found = list(rows)
        return row_url(found[0]) if len(found) == 1 else ""

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        """All that the person with an address owns; everything else leads straight to its row."""
        if "@" in search_term:
            owned = Membership.objects.filter(user__email=search_term.strip().lower(), role=Role.OWNER)
            return queryset.filter(organization__in=owned.values("organization")), False
        return super().get_search_results(request, queryset, search_term)

    @display(description=_("organization"))
    def organization_name(self, obj: Customer) -> str:
        """Leads to the customer."""
        return obj.organization.name

    @display(description=_("spend cap"))
    def shown_cap(self, obj: Customer) -> str:
        """The most overage a month."""
        return NOTHING if obj.cap is None else money(obj.cap)

    @display(description=_("may buy"))
    def shown_hold(self, obj: Customer) -> str:
        """Whether staff look at something first."""
        return tag(_("on hold"), "bad") if obj.held_because else tag(_("yes"), "ok")

    @display(description=_("newest first"))
    @once
    def subscriptions(self, obj: Customer) -> SafeString:
        """What it pays for again and again."""
        return of_customer.subscriptions(obj.organization)

    @display(description=_("newest first"))
    @once
    def orders(self, obj: Customer) -> SafeString:
        """What it wanted to buy."""
        return of_customer.orders(obj.organization)

    @display(description=_("newest first"))
    @once
    def invoices(self, obj: Customer) -> SafeString:
        """What it was billed."""
        return of_customer.invoices(obj.organization)

    @display(description=_("newest first"))
    @once
    def payments(self, obj: Customer) -> SafeString:
        """What it paid."""
        return of_customer.payments(obj.organization)

    @display(description=_("newest first"))
    @once
    def credits(self, obj: Customer) -> SafeString:
        """What it has in advance."""
        return of_customer.credits(obj.organization)

    @display(description=_("by feature"))
    @once
    def entitlements(self, obj: Customer) -> SafeString:
        """What it may use."""
        return of_customer.entitlements(obj.organization)

    @display(description=_("newest first"))
    @once
    def coupons(self, obj: Customer) -> SafeString:
        """What only it can use."""
        return of_customer.coupons(obj.organization)

    @display(description=_("newest first"))
    @once
    def abuse(self, obj: Customer) -> SafeString:
        """What was seen of it that staff should look at."""
        return of_customer.abuse(obj.organization)

    @display(description=_("by name"))
    @once
    def accounts(self, obj: Customer) -> SafeString:
        """What it owes and is owed."""
        return of_customer.accounts(obj.organization)


@admin.register(PrivateCoupon)
class PrivateCouponAdmin(BillingAdmin):
    """Coupons that staff gave to one organization."""

    found_by = ("code",)
    list_display = ("code", "organization_link", "coupon", "until", "created")
    list_filter = (("organization", AutocompleteSelectFilter),)
    list_before_template = None
    search_help_text = _("Code, coup_…, org_… or the organization's slug")
    fieldsets = ((None, {"fields": (("code", "organization_link"), ("coupon", "until"), ("created", "full_id"))}),)

    @display(description=_("until"))
    def until(self, obj: PrivateCoupon) -> str:
        """When it ends."""
        return at(obj.expires_at)
