"""What organizations have by what they paid, or were given: credits, what took from them, and entitlements."""

from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from apps.billing.admin.base import BillingAdmin, amount
from apps.billing.models import CreditGrant, CreditUse, Entitlement, Order, Subscription
from apps.billing.services import credits
from apps.core.admin_base import StaffInline
from apps.core.clock import now
from apps.core.kinds import Feature
from apps.core.registry import registry
from apps.core.staff.actions import StaffAction
from apps.core.staff.display import NOTHING, at, id_text, link, row_link, row_url, tag, when
from apps.core.staff.lists import DaysFilter, PeriodFilter
from apps.core.templatetags.levqor import number

CHANGE_GRANT = "billing.change_creditgrant"
SOURCES: tuple[type[Subscription | Order], ...] = (Subscription, Order)


class UseInline(StaffInline):
    """What was taken from a grant, month by month."""

    model = CreditUse
    fields = ("period", "shown_units", "created")
    ordering = ("-pk",)
    verbose_name_plural = _("uses")

    @display(description=_("calls"))
    def shown_units(self, obj: CreditUse) -> str:
        """Below zero some came back."""
        return number(obj.units)

    @display(description=_("at"))
    def created(self, obj: CreditUse) -> str:
        """When."""
        return when(obj.created_at)


@admin.register(CreditGrant)
class CreditGrantAdmin(BillingAdmin):
    """Calls in advance. What was given for nothing can be revoked; what was bought goes back with its payment."""

    found_by = ()
    list_display = ("reason", "organization_link", "shown_units", "shown_left", "shown_paid", "expires", "created")
    list_filter = (PeriodFilter, ("organization", AutocompleteSelectFilter), ("created_at", DaysFilter))
    search_help_text = _("grant_…, org_… or the organization's slug")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("reason", "organization_link"),
                    ("shown_units", "shown_left"),
                    ("shown_used", "shown_withdrawn"),
                    ("shown_expired", "expires"),
                    ("shown_paid", "order_link"),
                    ("priority", "created"),
                    "full_id",
                )
            },
        ),
    )
    inlines = (UseInline,)
    staff_actions = (
        StaffAction(
            name="revoke",
            label=_("Revoke"),
            question=_("What is left of these credits is withdrawn at once. What was used stays used."),
            permission=CHANGE_GRANT,
            do=lambda request, row: credits.revoke(row),
            icon="block",
            applies=lambda row: row.order_id is None and row.left > 0,
            danger=True,
        ),
    )

    def title_of(self, row: CreditGrant) -> str:
        """Why it was granted."""
        return row.reason

    @display(description=_("calls"))
    def shown_units(self, obj: CreditGrant) -> str:
        """As granted."""
        return number(obj.units)

    @display(description=_("left"))
    def shown_left(self, obj: CreditGrant) -> str:
        """What can still be used."""
        return tag(number(obj.left), "ok" if obj.left and obj.expires_at > now() else "")

    @display(description=_("used"))
    def shown_used(self, obj: CreditGrant) -> str:
        """What calls took."""
        return number(obj.used)

    @display(description=_("withdrawn"))
    def shown_withdrawn(self, obj: CreditGrant) -> str:
        """Whose payment went back, or what was revoked."""
        return number(obj.withdrawn)

    @display(description=_("ran out"))
    def shown_expired(self, obj: CreditGrant) -> str:
        """What nobody used in time."""
        return number(obj.expired)

    @display(description=_("paid"))
    def shown_paid(self, obj: CreditGrant) -> str:
        """Nothing for what was given."""
        return amount(obj.amount, obj.currency)

    @display(description=_("order"))
    def order_link(self, obj: CreditGrant) -> str:
        """What bought it."""
        return row_link(obj.order)

    @display(description=_("expires"))
    def expires(self, obj: CreditGrant) -> str:
        """When it runs out."""
        return at(obj.expires_at)


@admin.register(CreditUse)
class CreditUseAdmin(BillingAdmin):
    """What months took from credits. Never changed: what was too much comes back by another."""

    found_by = ()
    lookups = ("grant",)
    list_display = ("period", "organization_link", "shown_units", "grant_link", "created")
    list_select_related = ("organization", "grant")
    list_filter = (("organization", AutocompleteSelectFilter),)
    list_before_template = None
    search_help_text = _("org_… or the organization's slug")
    fieldsets = ((None, {"fields": (("period", "organization_link"), ("shown_units", "grant_link"), "created")}),)

    @display(description=_("calls"))
    def shown_units(self, obj: CreditUse) -> str:
        """Below zero some came back."""
        return number(obj.units)

    @display(description=_("grant"))
    def grant_link(self, obj: CreditUse) -> str:
        """What it was taken from."""
        return row_link(obj.grant, obj.grant.reason)


@admin.register(Entitlement)
class EntitlementAdmin(BillingAdmin):
    """Which features organizations have, and by what."""

    found_by = ()
    list_display = ("shown_feature", "organization_link", "shown_value", "source_link", "until", "created")
    list_filter = (("organization", AutocompleteSelectFilter),)
    list_before_template = None
    search_help_text = _("org_… or the organization's slug")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("shown_feature", "organization_link"),
                    ("shown_value", "source_link"),
                    ("until", "created"),
                )
            },
        ),
    )

    @display(description=_("feature"))
    def shown_feature(self, obj: Entitlement) -> str:
        """In words, with its code."""
        return feature_name(obj.feature)

    @display(description=_("value"))
    def shown_value(self, obj: Entitlement) -> str:
        """How much of it."""
        return feature_value(obj.value)

    @display(description=_("by"))
    def source_link(self, obj: Entitlement) -> str:
        """The subscription or order that gives it."""
        return source_link(obj.source)

    @display(description=_("until"))
    def until(self, obj: Entitlement) -> str:
        """When it ends by itself."""
        return when(obj.ends_at)


def feature_name(code: str) -> str:
    """In words, with its code; one that no app has any more by the code alone."""
    feature = registry(Feature).find(code)
    name = feature.label if feature else ""
    return format_html('{} <code class="staff-id">{}</code>', name, code)


def feature_value(value: Any) -> str:
    """Yes and no in words."""
    return str(_("yes") if value is True else _("no") if value is False else value)


def source_link(source: str) -> str:
    """Where a public id leads: it needs no query."""
    for model in SOURCES:
        if source.startswith(f"{model.public_prefix}_"):
            return link(row_url(model(pk=model.parse_public_id(source))), id_text(source))
    return source or NOTHING
