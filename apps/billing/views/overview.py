"""What the organization pays for, and what it has of it."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.accounts.requests import MemberRequest
from apps.accounts.web import organization_page
from apps.billing import selectors


@require_safe
@organization_page("billing.manage")
def billing(request: MemberRequest) -> HttpResponse:
    """Plans, usage, credits, bills."""
    return render(
        request,
        "billing/billing.html",
        {"page_title": _("Billing"), "subscriptions": selectors.live_subscriptions(request.organization)},
    )
