"""What the organization pays for, how much of it is used, and what can be changed about paying."""

from typing import Any

import structlog
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.accounts.models import Organization
from apps.accounts.requests import MemberRequest
from apps.accounts.web import form_of, limit, organization_page
from apps.billing import selectors, words
from apps.billing.catalogue import API_LINE, Price, catalogue
from apps.billing.forms import SpendCapForm, TaxIdForm
from apps.billing.holdings import counted_features, held
from apps.billing.models import Customer
from apps.billing.services import allowances, customers
from apps.billing.views.shared import ask_stripe_seldom, page, tabs, told
from apps.core.brand import current_brand
from apps.core.errors import DomainError
from apps.core.form_refusals import add_refusal
from apps.core.money import Money
from apps.integrations.stripe.errors import StripeRefusedError, StripeUnavailableError
from apps.integrations.stripe.watching import look_now
from apps.usage.plans import API_PLAN, PLANS
from apps.usage.selectors import Standing, standing

log = structlog.get_logger(__name__)

RECENT = 5


@require_safe
@never_cache
@organization_page("billing.view")
def billing(request: MemberRequest) -> HttpResponse:
    """Plans, usage, credits, how it is paid, bills."""
    if request.GET.get("from") == "portal":
        ask_stripe_seldom(request, "back_from_portal")
        _look_at_customer(request.organization)
    return _page(request)


def _page(
    request: MemberRequest, *, cap: SpendCapForm | None = None, tax_id: TaxIdForm | None = None, status: int = 200
) -> HttpResponse:
    organization = request.organization
    customer = selectors.find_customer(organization) or Customer(organization=organization)
    subscriptions = selectors.live_subscriptions(organization)
    now = standing(organization)
    price = _overage_price(now)
    spent = price.cost(now.overage) if price else None
    context = page(
        _("Billing"),
        tabs=tabs("billing"),
        may_manage=request.may("billing.manage"),
        sandbox=not organization.livemode,
        customer=customer,
        held=[held(row, usage=spent) for row in subscriptions],
        unpaid=[
            (row, Money(row.remaining, row.currency), words.ended_plan(row))
            for row in selectors.unpaid_invoices(organization)
        ],
        plan=PLANS[now.limits.plan],
        plan_is_free=API_LINE not in {row.line for row in subscriptions},
        now=now,
        meter=min(now.used, now.limits.quota or 0),
        meter_low=(now.limits.quota or 0) * 4 // 5,
        meter_high=(now.limits.quota or 0) - (not now.limits.soft),
        features=counted_features(organization.pk),
        price=price,
        spent=spent,
        cap=customer.cap,
        cap_form=cap or SpendCapForm(initial={"cap": _major(customer)}),
        cap_is_open=cap is not None,
        grants=list(selectors.usable_grants(organization)[:RECENT]),
        tax_form=tax_id or TaxIdForm(),
        invoices=list(selectors.invoices_of(organization).order_by("-created_at")[:RECENT]),
        left_order=_left_order(request),
    )
    return render(request, "billing/billing.html", context, status=status)


def _overage_price(now: Standing) -> Price | None:
    product = catalogue().granting(API_PLAN, now.limits.plan)
    return product.overage if product and now.limits.soft else None


def _major(customer: Customer) -> Any:
    return customer.cap.decimal if customer.cap else None


def _left_order(request: MemberRequest) -> str:
    """The order whose payment page was left, where it can still be paid."""
    wanted = request.GET.get("canceled", "")
    return wanted if wanted and selectors.is_open_order(request.organization, wanted) else ""


def _look_at_customer(organization: Organization) -> None:
    """What was changed at Stripe's page a moment ago: its events may come later than the customer."""
    customer = selectors.find_customer(organization)
    if customer is None or not customer.stripe_id:
        return
    try:
        look_now("customer", customer.stripe_id)
    except StripeUnavailableError:
        log.info("customer_not_looked_at", customer=customer.public_id)  # the notice stays: it is looked at later


@form_of("billing")
@organization_page("billing.manage")
def spend_cap(request: MemberRequest) -> HttpResponse:
    """How much a month's overage may cost."""
    form = SpendCapForm(request.POST)
    if form.is_valid():
        try:
            allowances.set_spend_cap(request.actor, request.organization, form.minor)
        except DomainError as refusal:
            add_refusal(form, refusal, "cap")
        else:
            messages.success(request, _("The limit holds from the next call on."))
            return redirect("billing")
    return _page(request, cap=form, status=422)


@form_of("billing")
@organization_page("billing.manage")
def tax_id(request: MemberRequest) -> HttpResponse:
    """A tax id for coming bills."""
    limit(request, "billing_tax_id", "30/h", key="user")
    form = TaxIdForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        try:
            customers.add_tax_id(request.organization, data["kind"], data["value"])
        except StripeRefusedError:
            form.add_error("value", _("Stripe does not know such a number. Check the kind and each digit."))
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("Coming bills name your tax id."))
            return redirect("billing")
    return _page(request, tax_id=form, status=422)


@form_of("billing")
@organization_page("billing.manage")
def tax_id_remove(request: MemberRequest) -> HttpResponse:
    """No tax id on coming bills."""
    ask_stripe_seldom(request, "tax_id_remove")
    return told(request, lambda: customers.remove_tax_ids(request.organization), _("Coming bills name no tax id."))


@form_of("billing")
@organization_page("billing.manage")
def portal(request: MemberRequest) -> HttpResponse:
    """To Stripe's page for payment method and address, and back here."""
    ask_stripe_seldom(request, "portal")
    back = f"{current_brand().site_url}{reverse('billing')}?from=portal"
    try:
        return redirect(customers.open_portal(request.organization, back))
    except DomainError as refusal:
        messages.error(request, str(refusal.detail))
        return redirect("billing")
