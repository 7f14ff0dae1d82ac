"""Changing, ending and resuming a subscription."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.accounts.models import Organization
from apps.accounts.permissions import require
from apps.accounts.requests import MemberRequest
from apps.accounts.web import form_of, organization_page
from apps.billing import outcome, selectors, shelf, words
from apps.billing.catalogue import API_LINE, Product, catalogue
from apps.billing.errors import OvertakenError
from apps.billing.forms import ChangeForm, QuantityForm
from apps.billing.models import Subscription
from apps.billing.services import quantities, subscriptions
from apps.billing.services.catalogue_sync import code_of
from apps.billing.services.subscriptions import Offer
from apps.billing.views.shared import ask_stripe_seldom, crumbs, page, told
from apps.core.errors import DomainError, NotFoundError
from apps.core.form_refusals import add_refusal
from apps.core.money import Money
from apps.integrations.stripe import objects
from apps.integrations.stripe.errors import StripeRefusedError


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@organization_page("billing.view")
def change(request: MemberRequest, subscription_id: str) -> HttpResponse:
    """What a change would cost, to the cent, and doing it as it was shown."""
    row = selectors.get_subscription(request.organization, subscription_id)
    ask_stripe_seldom(request, "change")
    if request.method == "POST":
        require(request.actor, "billing.manage", request.organization)
        return _confirm(request, row)
    product = _wanted(row, request.GET.get("price") or row.price)
    return _offered(request, row, product, request.GET)


def _wanted(row: Subscription, price: str) -> Product:
    """A product of the subscription's line. Raises `NotFoundError`."""
    product = catalogue().product_of(price)
    if product.line != row.line:
        raise NotFoundError
    return product


def _offered(
    request: MemberRequest,
    row: Subscription,
    product: Product,
    data: QueryDict,
    *,
    refusal: DomainError | None = None,
) -> HttpResponse:
    """The figures as they are now, or why there are none. With a refusal, what came of confirming earlier ones."""
    seats = str(row.quantity) if product.seats else "1"
    form = QuantityForm(
        product, {"quantity": data.get("quantity", seats)}, least=quantities.least_of(request.organization, product)
    )
    status = refusal.status if refusal else 200
    if not form.is_valid():
        return _page(request, row, product, form, status=422)
    quantity = form.cleaned_data["quantity"]
    if (product.price.code, quantity) == (row.price, row.quantity):
        return _page(request, row, product, form, refusal=refusal, status=status)
    try:
        offer = subscriptions.offer_change(row, product.price.code, quantity)
    except DomainError as found:
        return _refused(request, row, product, form, found)
    return _page(request, row, product, form, offer, refusal=refusal, status=status)


def _confirm(request: MemberRequest, row: Subscription) -> HttpResponse:
    product = _wanted(row, request.POST.get("price", ""))
    form = ChangeForm(product, request.POST, least=quantities.least_of(request.organization, product))
    if not form.is_valid():
        return _offered(request, row, product, request.POST)
    data = form.cleaned_data
    try:
        subscriptions.change(
            request.actor,
            row,
            product.price.code,
            data["quantity"],
            at=data["at"],
            period_end=data["period_end"],
        )
    except (OvertakenError, StripeRefusedError) as refusal:
        fresh = selectors.get_subscription(request.organization, row.public_id)
        return _offered(request, fresh, product, request.POST, refusal=refusal)
    except DomainError as refusal:
        return _refused(request, row, product, QuantityForm(product, request.POST, least=form.least), refusal)
    messages.success(request, _done(request.organization, product, data["quantity"]))
    return redirect("billing")


def _done(organization: Organization, product: Product, quantity: int) -> str:
    if product.seats:
        return ngettext("Changed to %(count)s seat.", "Changed to %(count)s seats.", quantity) % {"count": quantity}
    changed = _("Changed to %(product)s.") % {"product": product.name}
    return f"{changed} {outcome.quota_words(organization)}" if product.line == API_LINE else changed


def _refused(
    request: MemberRequest, row: Subscription, product: Product, form: QuantityForm, refusal: DomainError
) -> HttpResponse:
    """The page without figures: an error at the number of seats, or a notice that says what to do."""
    if form.is_valid() and refusal.code in quantities.REFUSALS and product.seats:
        add_refusal(form, refusal, "quantity")
        return _page(request, row, product, form, status=refusal.status)
    return _page(request, row, product, form, refusal=refusal, status=refusal.status)


def _page(
    request: MemberRequest,
    row: Subscription,
    product: Product,
    form: QuantityForm,
    offer: Offer | None = None,
    *,
    refusal: DomainError | None = None,
    status: int = 200,
) -> HttpResponse:
    present = catalogue().product(row.product)
    reader = shelf.reader_of(request)
    title = _("Change seats") if product.seats and product == present else _("Change plan")
    context = page(
        title,
        breadcrumbs=crumbs(title),
        subscription=row,
        present=present,
        product=product,
        form=form,
        offer=_figures(row, present, offer) if offer else None,
        others=[one for one in shelf.on_sale(reader, line=row.line) if one.action == "change"],
        refusal=refusal,
        tone="wait" if isinstance(refusal, OvertakenError) else "bad",
        payment_failed=isinstance(refusal, StripeRefusedError) and refusal.is_payment_failure,
        on_hold=reader.on_hold,
        may_buy=request.may("billing.manage"),
    )
    return render(request, "billing/change.html", context, status=status)


def _figures(row: Subscription, present: Product, offer: Offer) -> dict[str, Any]:
    """What the preview says, in the order in which one asks."""
    currency = offer.due_now.currency
    listed = sum(line.amount for line in offer.lines)
    return {
        "product": offer.product,
        "quantity": offer.quantity,
        "at": offer.at.isoformat(),
        "period_end": row.period_end.isoformat() if row.period_end else "",
        "due_now": offer.due_now,
        "credited": -offer.total if offer.total.minor < 0 else None,
        "lines": [(_line_words(line), Money(line.amount, currency)) for line in offer.lines],
        "rest": Money(offer.total.minor - listed, currency) if offer.total.minor != listed else None,
        "balance": offer.due_now - offer.total if offer.total.minor > offer.due_now.minor else None,
        "next_on": row.period_end,
        "next": offer.price.cost(offer.quantity),
        "before": words.included(present, row.quantity),
        "after": words.included(offer.product, offer.quantity),
        "is_less": offer.price.cost(offer.quantity) < catalogue().price(row.price).cost(row.quantity),
    }


def _line_words(line: objects.Line) -> str:
    code = code_of(line.price, line.lookup_key)
    return words.line_words(line.description, code, line.quantity, line.amount, is_proration=line.is_proration)


@form_of("billing")
@organization_page("billing.manage")
def cancel(request: MemberRequest, subscription_id: str) -> HttpResponse:
    """Let it end with its period."""
    ask_stripe_seldom(request, "end")
    row = selectors.get_subscription(request.organization, subscription_id)
    done = _("%(product)s ends with its period.") % {"product": words.name_of(row.price)}
    return told(request, lambda: subscriptions.cancel(request.actor, row), done)


@form_of("billing")
@organization_page("billing.manage")
def resume(request: MemberRequest, subscription_id: str) -> HttpResponse:
    """Go on after all."""
    ask_stripe_seldom(request, "end")
    row = selectors.get_subscription(request.organization, subscription_id)
    done = _("%(product)s goes on.") % {"product": words.name_of(row.price)}
    return told(request, lambda: subscriptions.resume(request.actor, row), done)
