"""Calls in advance: buying them, what is left, and where they went."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.accounts.requests import MemberRequest
from apps.accounts.web import organization_page
from apps.billing import selectors, words
from apps.billing.catalogue import catalogue
from apps.billing.forms import CheckoutForm
from apps.billing.views.shared import page, tabs, wants_part
from apps.core.pagination import DEFAULT_LIMIT, paginate
from apps.usage.periods import period_named
from apps.usage.plans import API_CREDITS
from apps.usage.selectors import standing


@require_safe
@organization_page("billing.view")
def credits(request: MemberRequest) -> HttpResponse:
    """The balance, the grants that it is made of, the months in which they were used, and buying more."""
    organization = request.organization
    product = next(one for one in catalogue().products.values() if API_CREDITS in one.grants)
    grants = paginate(selectors.grants_of(organization), request.GET.get("cursor"), DEFAULT_LIMIT)
    now = standing(organization)
    offered = words.coupon_for(product)
    form = CheckoutForm(product, request.GET if "quantity" in request.GET else None, initial={"quantity": 1})
    quantity = form.wanted
    context = page(
        _("Credits"),
        page_lead=_("API calls paid for in advance. They are used once the plan's calls are used up."),
        tabs=tabs("billing_credits"),
        now=now,
        product=product,
        form=form,
        total=product.price.cost(quantity) if quantity else None,
        calls=product.granted(quantity)[API_CREDITS] if quantity else None,
        coupon=words.coupon_words(offered) if offered else "",
        grants=grants.rows,
        next_cursor=grants.next_cursor,
        uses=[(period_named(name).start, calls) for name, calls in selectors.credits_used_by_month(organization)],
        on_hold=selectors.is_on_hold(organization),
        may_buy=request.may("billing.manage"),
        sandbox=not organization.livemode,
    )
    return render(request, "billing/_credits_total.html" if wants_part(request) else "billing/credits.html", context)
