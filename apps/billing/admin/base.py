"""What the pages of billing have in common: found by organization or by Stripe's id, and amounts in their currency."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from apps.accounts.models import Organization
from apps.billing.catalogue import catalogue
from apps.core.admin_base import StaffModelAdmin
from apps.core.money import Money
from apps.core.staff.display import NOTHING, link, list_url, row_url
from apps.core.staff.lists import KnownValuesFilter, PeriodFilter, key_of
from apps.core.templatetags.levqor import money as written
from apps.integrations.stripe.dashboard import dashboard_url

OF_ORGANIZATION = "organization__id__exact"
OF_PAYMENT = "payment__organization__id__exact"


class BillingAdmin(StaffModelAdmin):
    """A list that is searched for an organization (`org_…` or slug), or a row by one of the unique columns `found_by`.

    `at_stripe` is the kind of object that Stripe's own pages show under the row's `stripe_id`.
    """

    found_by: ClassVar[tuple[str, ...]] = ("stripe_id",)
    of_organization: ClassVar[str] = OF_ORGANIZATION
    at_stripe: ClassVar[str] = ""
    list_select_related: Any = ("organization",)
    search_help_text = _("Id here or at Stripe, org_… or the organization's slug")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list; what is searched for leads to its row, or to the rows of its organization, however old."""
        text = request.GET.get("q", "").strip()
        if text and request.method == "GET" and self.has_view_permission(request):
            found = self.where(text, {name: value for name, value in request.GET.items() if name not in ("q", "p")})
            if found:
                return redirect(found)
        return super().changelist_view(request, extra_context)

    def where(self, text: str, kept: dict[str, Any]) -> str:
        """The address of what is called `text`, with the filters that are `kept`; empty for nothing."""
        for column in self.found_by:
            row = self.model._default_manager.filter(**{column: text}).only("pk").first()
            if row is not None:
                return row_url(row)
        key = organization_key(text)
        if key is None:
            return ""
        if any(isinstance(item, type) and issubclass(item, PeriodFilter) for item in self.list_filter):
            kept = kept | {PeriodFilter.parameter_name: PeriodFilter.ANY}
        return list_url(self.model, **kept | {self.of_organization: str(key)})

    def get_queryset(self, request: HttpRequest) -> Any:
        """With what rows are shown with, also on a row's page."""
        return super().get_queryset(request).select_related(*self.list_select_related)

    @display(description=_("at Stripe"))
    def stripe_link(self, obj: Any) -> str:
        """Its id there, which leads to Stripe's page where a real key is used."""
        if not obj.stripe_id:
            return NOTHING
        organization = getattr(obj, "organization", None) or obj.payment.organization
        return stripe_link(self.at_stripe, obj.stripe_id, organization)


class OfPaymentAdmin(BillingAdmin):
    """Rows that know their organization by the payment that they are about."""

    lookups: ClassVar[tuple[str, ...]] = ("payment",)
    of_organization = OF_PAYMENT
    list_select_related: Any = ("payment__organization",)

    @display(description=_("organization"))
    def payer(self, obj: Any) -> str:
        """Whose payment it was."""
        return link(row_url(obj.payment.organization), obj.payment.organization)


class ProductFilter(KnownValuesFilter):
    """By product of the catalogue."""

    title = _("product")
    parameter_name = "product"

    def options(self) -> Iterable[tuple[str, Any]]:
        """Those that are paid again and again."""
        return [(one.code, one.name) for one in catalogue().products.values() if one.is_subscription]


class LineFilter(KnownValuesFilter):
    """By line: as the products that it has, which an index knows."""

    title = _("line")
    parameter_name = "line"

    def options(self) -> Iterable[tuple[str, Any]]:
        """The lines of the catalogue."""
        return [(line, line) for line in sorted({one.line for one in catalogue().products.values() if one.line})]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Django's hook."""
        line = self.value()
        return queryset.filter(product__in=[one.code for one in catalogue().line(line)]) if line else queryset


def once(column: Callable[[Any, Any], str]) -> Callable[[Any, Any], str]:
    """A column that asks the database: Unfold asks each one several times to show it once."""

    @wraps(column)
    def remembered(page: Any, row: Any) -> str:
        kept: dict[str, str] = row.__dict__.setdefault("staff_columns", {})
        if column.__name__ not in kept:
            kept[column.__name__] = column(page, row)
        return kept[column.__name__]

    return remembered


def organization_key(text: str) -> UUID | None:
    """The key of the organization that `text` names by id or slug."""
    key = key_of(Organization.public_prefix, text)
    same = Organization.objects.filter(pk=key) if key else Organization.objects.filter(slug=text)
    return same.values_list("pk", flat=True).first()


def stripe_link(kind: str, stripe_id: str, organization: Organization) -> str:
    """An id of Stripe's, which leads there where a real key is used."""
    text = format_html('<code class="staff-id">{}</code>', stripe_id)
    url = dashboard_url(kind, stripe_id, organization.realm_id)
    return link(url, text) if url else text


def amount(minor: int, currency: str) -> str:
    """An amount; nothing for none."""
    return written(Money(minor, currency)) if minor else NOTHING


def product_name(code: str) -> str:
    """What a product is called; its code, once the catalogue has it no more."""
    product = catalogue().products.get(code)
    return product.name if product else code


def price_name(code: str) -> str:
    """What is bought at a price; its code, once the catalogue has it no more."""
    for product in catalogue().products.values():
        if any(price.code == code for price in product.prices):
            return product.name
    return code
