"""Whether what is on sale can be bought: the catalogue's prices are at Stripe, pushed there by each release."""

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.billing.catalogue import catalogue
from apps.billing.models import PriceAtStripe
from apps.billing.services.catalogue_sync import sync_catalogue
from apps.core.kinds import Checked
from apps.integrations.stripe.connection import is_fake

NAMED = 3  # of the prices that are missing


def push_catalogue() -> str:
    """A step of each release. The fake is told when somebody first asks: it may not run yet."""
    if is_fake():
        return _("for test payments")
    if not settings.STRIPE_API_KEY:
        return _("not pushed: payments are not set up")
    changes = len(sync_catalogue().changes)
    return _("%(count)d changed at Stripe") % {"count": changes} if changes else _("up to date")


def on_sale() -> Checked:
    """Whether every price on sale is at Stripe."""
    wanted = {price.code for product in catalogue().products.values() if product.on_sale for price in product.sold}
    if is_fake():
        return "ok", _("%(count)d prices, at test payments.") % {"count": len(wanted)}
    if not settings.STRIPE_API_KEY:
        return "warning", _("Nothing is on sale: payments are not set up.")
    known = set(PriceAtStripe.objects.filter(is_current=True).values_list("code", flat=True))
    if missing := sorted(wanted - known):
        return "failed", ngettext(
            "%(count)d price can't be bought, as it is not at Stripe (%(names)s): run manage.py sync_catalogue.",
            "%(count)d prices can't be bought, as they are not at Stripe (%(names)s): run manage.py sync_catalogue.",
            len(missing),
        ) % {"count": len(missing), "names": ", ".join(missing[:NAMED]) + (", …" if len(missing) > NAMED else "")}
    return "ok", _("%(count)d prices, all of them at Stripe.") % {"count": len(wanted)}
