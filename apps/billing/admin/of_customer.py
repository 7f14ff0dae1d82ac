"""The tables of a customer's page: the newest rows of each kind, with the way to all of them."""

from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.billing.admin.base import OF_ORGANIZATION, amount, price_name, product_name
from apps.billing.admin.invoices import TONES as INVOICE_TONES
from apps.billing.admin.ownership import feature_name, feature_value, source_link
from apps.billing.admin.subscriptions import ORDER_TONES, STATUS_TONES
from apps.billing.models import (
    AbuseFlag,
    CreditGrant,
    Entitlement,
    Invoice,
    Order,
    Payment,
    PrivateCoupon,
    Subscription,
)
from apps.core.staff.display import list_url, row_link, state_tag, tag, when
from apps.core.staff.lists import PeriodFilter
from apps.core.templatetags.levqor import money, number
from apps.ledger.models import Account

MOST = 8
ANY_TIME = {PeriodFilter.parameter_name: PeriodFilter.ANY}
Cells = list[Any]


def subscriptions(organization: Organization) -> SafeString:
    """What it pays for again and again."""
    rows = Subscription.objects.for_organization(organization).order_by("-created_at")[: MOST + 1]
    cells = [
        [
            row_link(row, product_name(row.product)),
            tag(_("Suspended"), "bad") if row.suspended else state_tag(row, STATUS_TONES, "status"),
            number(row.quantity),
            when(row.cancel_at or row.period_end),
        ]
        for row in rows
    ]
    return _table((_("Product"), _("Status"), _("Quantity"), _("Until")), cells, Subscription, organization)


def orders(organization: Organization) -> SafeString:
    """What it wanted to buy."""
    rows = Order.objects.for_organization(organization).order_by("-created_at")[: MOST + 1]
    cells = [
        [
            row_link(row, f"{price_name(row.price)} × {row.quantity}"),
            state_tag(row, ORDER_TONES),
            amount(row.total, row.currency),
            when(row.created_at),
        ]
        for row in rows
    ]
    return _table((_("Order"), _("State"), _("Total"), _("When")), cells, Order, organization, **ANY_TIME)


def invoices(organization: Organization) -> SafeString:
    """What it was billed."""
    rows = Invoice.objects.for_organization(organization).order_by("-created_at")[: MOST + 1]
    cells = [
        [row_link(row), state_tag(row, INVOICE_TONES, "status"), money(row.money), when(row.created_at)] for row in rows
    ]
    return _table((_("Number"), _("Status"), _("Total"), _("When")), cells, Invoice, organization, **ANY_TIME)


def payments(organization: Organization) -> SafeString:
    """What it paid, and what went back of it."""
    rows = Payment.objects.for_organization(organization).select_related("order", "invoice")
    cells = [
        [
            row_link(row, money(row.money)),
            amount(row.gone, row.currency),
            row_link(row.order or row.invoice),
            when(row.paid_at),
        ]
        for row in rows.order_by("-paid_at")[: MOST + 1]
    ]
    return _table((_("Paid"), _("Went back"), _("For"), _("When")), cells, Payment, organization, **ANY_TIME)


def credits(organization: Organization) -> SafeString:
    """What it has in advance."""
    rows = CreditGrant.objects.for_organization(organization).order_by("-pk")[: MOST + 1]
    cells = [[row_link(row, row.reason), number(row.units), number(row.left), when(row.expires_at)] for row in rows]
    return _table((_("Reason"), _("Calls"), _("Left"), _("Until")), cells, CreditGrant, organization, **ANY_TIME)


def entitlements(organization: Organization) -> SafeString:
    """What it may use."""
    rows = Entitlement.objects.for_organization(organization).order_by("feature", "pk")[: MOST + 1]
    cells = [
        [feature_name(row.feature), feature_value(row.value), source_link(row.source), when(row.ends_at)]
        for row in rows
    ]
    return _table((_("Feature"), _("Value"), _("By"), _("Until")), cells, Entitlement, organization)


def coupons(organization: Organization) -> SafeString:
    """What only it can use."""
    rows = PrivateCoupon.objects.for_organization(organization).order_by("-pk")[: MOST + 1]
    cells = [[row_link(row, row.code), row.coupon, when(row.expires_at), when(row.created_at)] for row in rows]
    return _table((_("Code"), _("Coupon"), _("Until"), _("Given")), cells, PrivateCoupon, organization)


def abuse(organization: Organization) -> SafeString:
    """What was seen of it that staff should look at."""
    rows = AbuseFlag.objects.for_organization(organization).order_by("-created_at")[: MOST + 1]
    cells = [[row_link(row), number(row.count), when(row.created_at), when(row.settled_at)] for row in rows]
    return _table((_("Sign"), _("Times"), _("Seen"), _("Settled")), cells, AbuseFlag, organization, **ANY_TIME)


def accounts(organization: Organization) -> SafeString:
    """What it owes and is owed."""
    rows = Account.objects.unscoped().filter(organization=organization).order_by("key")[: MOST + 1]
    cells = [[row_link(row, row.key.replace(f":{organization.public_id}", "")), money(row.balance)] for row in rows]
    return _table((_("Account"), _("Balance")), cells, Account, organization)


def _table(
    columns: tuple[Any, ...], cells: list[Cells], model: Any, organization: Organization, **more: str
) -> SafeString:
    context = {
        "columns": columns,
        "rows": cells[:MOST],
        "all_url": list_url(model, **{OF_ORGANIZATION: str(organization.pk)}, **more) if len(cells) > MOST else "",
    }
    return mark_safe(render_to_string("admin/billing/rows.html", context))  # noqa: S308 - a template of ours
