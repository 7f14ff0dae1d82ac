"""The catalogue as staff see it: what is sold, why something is not, and which price at Stripe it is."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as translated
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from apps.billing.admin.base import price_name
from apps.billing.admin.ownership import feature_value
from apps.billing.catalogue import Each, Grant, Price, Product, catalogue
from apps.billing.models import PriceAtStripe
from apps.core.admin_base import StaffModelAdmin
from apps.core.kinds import Feature
from apps.core.registry import registry
from apps.core.staff.display import link, tag
from apps.core.templatetags.levqor import money, number
from apps.integrations.stripe.dashboard import dashboard_url


@dataclass(frozen=True)
class OfferedPrice:
    """A price in words, with its id at Stripe and where that is shown there."""

    code: str
    text: str
    stripe_id: str
    url: str


@dataclass(frozen=True)
class Offered:
    """A product as it stands: what of its grants is missing, what it gives, and what it costs."""

    product: Product
    missing: list[str]
    gives: list[str]
    prices: list[OfferedPrice]


def offered() -> list[Offered]:
    """Everything that the catalogue has, in its order."""
    known = registry(Feature)
    ids = dict(PriceAtStripe.objects.filter(is_current=True).values_list("code", "stripe_id"))
    return [
        Offered(
            product,
            [code for code in product.grants if code not in known],
            [f"{code}: {_grant_text(grant)}" for code, grant in product.grants.items()],
            [_offered(price, ids.get(price.code, "")) for price in product.prices],
        )
        for product in catalogue().products.values()
    ]


def _offered(price: Price, stripe_id: str) -> OfferedPrice:
    return OfferedPrice(price.code, _price_text(price), stripe_id, dashboard_url("price", stripe_id))


def _price_text(price: Price) -> str:
    """For one, a month, or for 1,000."""
    words = _("%(amount)s for 1,000") if price.meter else _("%(amount)s a month") if price.interval else "%(amount)s"
    return str(words) % {"amount": money(price.money)}


def _grant_text(grant: Grant) -> str:
    if isinstance(grant, Each):
        return translated("%(count)s each") % {"count": number(grant.each)}
    return feature_value(grant)


@admin.register(PriceAtStripe)
class PriceAtStripeAdmin(StaffModelAdmin):
    """Which prices at Stripe are ours, with those that are sold no more; and the catalogue."""

    list_display = ("code", "shown_product", "shown_state", "at_stripe")
    list_before_template = None
    search_fields = ("code__exact", "stripe_id__exact")
    search_help_text = _("Code, or Stripe's id")
    fieldsets = ((None, {"fields": (("code", "shown_product"), ("shown_state", "at_stripe"))}),)

    def get_urls(self) -> list[URLPattern]:
        """Django's hook: the catalogue."""
        view = self.admin_site.admin_view(self.catalogue_view)
        return [path("catalogue/", view, name="billing_catalogue"), *super().get_urls()]

    def catalogue_view(self, request: HttpRequest) -> HttpResponse:
        """What is sold."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": _("Catalogue"),
            "content_title": _("Catalogue"),
            "offered": offered(),
            "coupons": list(catalogue().coupons.values()),
        }
        return TemplateResponse(request, "admin/billing/catalogue.html", context)

    @display(description=_("product"))
    def shown_product(self, obj: PriceAtStripe) -> str:
        """What is bought at it."""
        return price_name(obj.code)

    @display(description=_("state"))
    def shown_state(self, obj: PriceAtStripe) -> str:
        """Whether it is the one that is used now."""
        return tag(_("current"), "ok") if obj.is_current else tag(_("archived"))

    @display(description=_("at Stripe"))
    def at_stripe(self, obj: PriceAtStripe) -> str:
        """Its id there."""
        url = dashboard_url("price", obj.stripe_id)
        return link(url, obj.stripe_id) if url else obj.stripe_id
