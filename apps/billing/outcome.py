"""What is there now that something was bought: as it stands, not as it was promised."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.models import Organization
from apps.accounts.services.members import MEMBERS
from apps.billing import words
from apps.billing.catalogue import Product, catalogue
from apps.billing.models import CreditGrant, Order
from apps.core import entitlements
from apps.core.templatetags.levqor import money, number
from apps.usage.limits import limits_of
from apps.usage.plans import API_CREDITS, API_PLAN
from apps.usage.selectors import standing


@dataclass(frozen=True)
class Outcome:
    """A sentence of what holds now, more of it, and where one goes on."""

    text: str
    points: list[str]
    url: str
    label: str


def outcome_of(order: Order, product: Product) -> Outcome:
    """What a paid order brought."""
    organization = order.organization
    if API_CREDITS in product.grants:
        grant = CreditGrant.objects.for_organization(organization).filter(order=order).first()
        left = number(standing(organization).credits_left)
        text = _("%(calls)s calls were added. In all, %(left)s paid in advance are left.") % {
            "calls": number(grant.units if grant else 0),
            "left": left,
        }
        return Outcome(text, [], reverse("billing_credits"), _("See credits"))
    if API_PLAN in product.grants:
        return Outcome(quota_words(organization), [], reverse("usage"), _("See usage"))
    points = words.included(product, order.quantity)
    if MEMBERS in product.grants:
        return Outcome(seats_words(organization), points, reverse("members"), _("Invite members"))
    return Outcome(_("%(product)s is yours.") % {"product": product.name}, points, reverse("billing"), _("See billing"))


def quota_words(organization: Organization) -> str:
    """The quota that holds now."""
    limits = limits_of(organization)
    if limits.quota is None:
        return _("Any number of API calls is included now.")
    quota = _("Your quota is %(quota)s calls a month.") % {"quota": number(limits.quota)}
    product = catalogue().granting(API_PLAN, limits.plan)
    if limits.soft and product and product.overage:
        more = _("Further ones pass, at %(price)s per 1,000.") % {"price": money(product.overage.money)}
        return f"{quota} {more}"
    return quota


def seats_words(organization: Organization) -> str:
    """The room for members that there is now."""
    seats = entitlements.most(organization.pk, MEMBERS)
    told = ngettext("There is room for %(seats)s member.", "There is room for %(seats)s members.", seats)
    return told % {"seats": number(seats)}
