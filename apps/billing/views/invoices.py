"""Bills and payments, down to the events that a line counts."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.accounts.models import ApiKey, Organization
from apps.accounts.requests import MemberRequest
from apps.accounts.web import organization_page
from apps.billing import selectors, words
from apps.billing.catalogue import catalogue
from apps.billing.models import Invoice, InvoiceLine, Payment, Refund
from apps.billing.views.shared import crumbs, page, tabs
from apps.core.errors import NotFoundError
from apps.core.money import Money
from apps.core.pagination import DEFAULT_LIMIT, paginate
from apps.usage.meters import API_CALLS
from apps.usage.models import NOBODY
from apps.usage.periods import month_of
from apps.usage.plans import API_PLAN, PLANS
from apps.usage.selectors import counted_in, events_behind

EVENTS, REPORTS = 50, 10
PAYABLE = (Invoice.Status.OPEN, Invoice.Status.UNCOLLECTIBLE)


@require_safe
@organization_page("billing.view")
def invoices(request: MemberRequest) -> HttpResponse:
    """All bills, the newest first."""
    found = paginate(selectors.invoices_of(request.organization), request.GET.get("cursor"), DEFAULT_LIMIT)
    context = page(_("Invoices"), tabs=tabs("billing_invoices"), invoices=found.rows, next_cursor=found.next_cursor)
    return render(request, "billing/invoices.html", context)


@require_safe
@organization_page("billing.view")
def payments(request: MemberRequest) -> HttpResponse:
    """All that was paid, for bills and for what was bought once, and what went back."""
    found = paginate(selectors.payments_of(request.organization), request.GET.get("cursor"), DEFAULT_LIMIT)
    context = page(
        _("Payments"),
        tabs=tabs("billing_payments"),
        payments=[_payment(row) for row in found.rows],
        next_cursor=found.next_cursor,
    )
    return render(request, "billing/payments.html", context)


def _payment(row: Payment) -> dict[str, Any]:
    """A payment, what it was for, and how much of it went back."""
    url = reverse("billing_return", args=[row.order.public_id]) if row.order is not None else ""
    return {"row": row, "what": words.paid_for(row), "url": url, "back": _back(row), "disputed": bool(row.disputed)}


def _back(row: Payment) -> Money | None:
    back = min(row.refunded + row.disputed, row.amount)
    return Money(back, row.currency) if back else None


@require_safe
@organization_page("billing.view")
def invoice(request: MemberRequest, invoice_id: str) -> HttpResponse:
    """A bill with its lines, what was paid and what went back."""
    row = selectors.get_invoice(request.organization, invoice_id)
    lines = list(row.lines.all())
    listed = sum(line.amount for line in lines)
    paid = row.payments.prefetch_related("refunds").order_by("paid_at")
    context = page(
        _("Invoice %(number)s") % {"number": row},
        breadcrumbs=crumbs(str(row), ("billing_invoices", _("Invoices"))),
        invoice=row,
        lines=[_line(row, line) for line in lines],
        discount=Money(row.total - row.tax - listed, row.currency) if row.total - row.tax != listed else None,
        subtotal=Money(listed, row.currency),
        tax=Money(row.tax, row.currency),
        remaining=Money(row.remaining, row.currency),
        payments=[(one, _refunds(one)) for one in paid],
        may_pay=row.status in PAYABLE and row.remaining > 0 and request.may("billing.manage"),
        ended=words.ended_plan(row) if row.status in PAYABLE and row.remaining > 0 else "",
    )
    return render(request, "billing/invoice.html", context)


def _line(invoice: Invoice, line: InvoiceLine) -> dict[str, Any]:
    price = words.known_price(line.price)
    metered = price is not None and bool(price.meter)
    usage = reverse("billing_line_usage", args=[invoice.public_id, line.pk]) if metered else ""
    return {"line": line, "what": _line_words(line), "money": Money(line.amount, invoice.currency), "usage": usage}


def _line_words(line: InvoiceLine) -> str:
    return words.line_words(line.description, line.price, line.quantity, line.amount, is_proration=line.is_proration)


def _refunds(payment: Payment) -> list[Refund]:
    return [row for row in payment.refunds.all() if row.state in (*Refund.COUNTED, Refund.State.FAILED)]


@require_safe
@organization_page("billing.view")
def line_usage(request: MemberRequest, invoice_id: str, line_id: int) -> HttpResponse:
    """How a line by usage came about, down to the events of its month."""
    organization = request.organization
    row = selectors.get_invoice(organization, invoice_id)
    line = selectors.get_line(row, line_id)
    price = words.known_price(line.price)
    if price is None or not price.meter:
        raise NotFoundError
    month = month_of(line.period_start)
    found = events_behind(
        organization, API_CALLS, month.start, month.end, cursor=request.GET.get("cursor"), limit=EVENTS
    )
    keys = _key_names(organization, {event.key_id for event in found.rows})
    plan = PLANS[str(catalogue().product_of(price.code).grants[API_PLAN])]
    context = page(
        _("Calls behind the invoice"),
        breadcrumbs=[
            *crumbs(str(row), ("billing_invoices", _("Invoices")))[:-1],
            {"label": str(row), "url": reverse("billing_invoice", args=[row.public_id])},
            {"label": _("Calls")},
        ],
        invoice=row,
        line=line,
        what=_line_words(line),
        money=Money(line.amount, row.currency),
        price=price.money,
        month=month.start,
        plan=plan,
        calls=counted_in(organization, month),
        credits=selectors.credits_used(organization, month.name),
        reports=list(selectors.reports_of(organization, month.name)[:REPORTS]),
        reported=selectors.overage_reported(organization, month.name),
        events=[(event, keys.get(event.key_id, _("Deleted key"))) for event in found.rows],
        next_cursor=found.next_cursor,
    )
    return render(request, "billing/line_usage.html", context)


def _key_names(organization: Organization, keys: set[UUID]) -> dict[UUID, str]:
    found = ApiKey.objects.for_organization(organization).filter(pk__in=keys - {NOBODY})
    return {NOBODY: _("Without a key"), **{key.pk: f"{key.name} ({key.last_four})" for key in found}}
