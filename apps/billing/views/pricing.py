"""What everything costs, for everybody."""

from typing import cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.accounts.requests import ActorRequest
from apps.billing import shelf, words
from apps.billing.catalogue import REFUND_DAYS, catalogue
from apps.billing.views.shared import page


@require_safe
def pricing(request: HttpRequest) -> HttpResponse:
    """All that is on sale."""
    reader = shelf.reader_of(cast(ActorRequest, request))
    coupons = [words.coupon_words(one) for one in catalogue().coupons.values() if one.is_current]
    context = page(
        _("Pricing"),
        groups=shelf.groups(reader),
        reader=reader,
        coupons=coupons,
        refund_days=REFUND_DAYS,
        canonical_url=settings.SITE_URL + reverse("pricing"),
    )
    return render(request, "billing/pricing.html", context)
