"""What billing adds to the administration: rights of its own, and how money stands."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

from babel.dates import format_date
from django.core.cache import cache
from django.db.models import Count, Sum
from django.db.models.functions import TruncDate
from django.utils.translation import get_language, ngettext, to_locale
from django.utils.translation import gettext as translated
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.accounts.staff import FINANCE, StaffRight
from apps.billing.catalogue import catalogue
from apps.billing.models import (
    AbuseFlag,
    CreditGrant,
    Customer,
    Dispute,
    Invoice,
    Payment,
    Reconciliation,
    Refund,
    Subscription,
)
from apps.billing.selectors import credits_left, find_customer, live_subscriptions
from apps.core.charts import Point, Series, stacked_bars
from apps.core.clock import now
from apps.core.ids import lowest_id
from apps.core.kinds import AuditAction, Figure, StaffFacts, StaffFigures, StaffPanel
from apps.core.money import Money
from apps.core.registry import register
from apps.core.staff.display import list_url, row_url
from apps.core.staff.figures import counted
from apps.core.templatetags.levqor import money, number, relative_time
from apps.usage.periods import day_of

VIEW = "billing.view_payment"
KEPT_FOR = 60  # seconds
DAYS = 14
SERIES = (Series("paid", _("Payments"), "ok"), Series("back", _("Refunds and disputes"), "bad"))


def figures() -> list[Figure]:
    """Today's money, and what somebody has to look at."""
    failed = counted(Invoice.objects.unscoped().filter(status=Invoice.Status.OPEN, attempts__gt=0))
    held = counted(Customer.objects.unscoped().exclude(held_because=""))
    return [
        _paid_today(),
        Figure(
            _("Failed bills"),
            failed,
            translated("open after an attempt to collect them"),
            "" if failed == "0" else "bad",
            list_url(Invoice, status__exact="open", period="any"),
        ),
        _disputes(),
        _refunds(),
        Figure(
            _("Customers on hold"),
            held,
            translated("may not buy until staff let go"),
            "" if held == "0" else "wait",
            list_url(Customer, hold="held"),
        ),
        _differences(),
        _abuse(),
    ]


def _paid_today() -> Figure:
    """By currency; added up once a minute at most."""
    today = day_of(now()).start
    key = f"staff:paid_today:{today:%Y-%m-%d}"
    found: list[tuple[str, int, int]] | None = cache.get(key)
    if found is None:
        rows = Payment.objects.unscoped().filter(paid_at__gte=today).order_by().values_list("currency")
        found = list(rows.annotate(sum=Sum("amount"), count=Count("pk")))
        cache.set(key, found, KEPT_FOR)
    sums = " + ".join(money(Money(amount, currency)) for currency, amount, _count in sorted(found))
    count = sum(count for _currency, _amount, count in found)
    words = ngettext("%(count)s payment", "%(count)s payments", count) % {"count": number(count)}
    return Figure(_("Paid today"), sums or "0", words, url=list_url(Payment, period=1))


def _disputes() -> Figure:
    rows = Dispute.objects.filter(status__in=Dispute.UNDECIDED)
    text = counted(rows)
    due = rows.exclude(due_by=None).order_by("due_by").values_list("due_by", flat=True).first()
    note = translated("first answer due %(when)s") % {"when": relative_time(due)} if due else ""
    return Figure(
        _("Open disputes"), text, note, "" if text == "0" else "bad", list_url(Dispute, status="open", period="any")
    )


def _refunds() -> Figure:
    month_ago = lowest_id(now() - timedelta(days=30))
    failed = (Refund.State.FAILED, Refund.State.REFUSED)
    text = counted(Refund.objects.filter(state__in=failed, pk__gte=month_ago))
    return Figure(
        _("Refunds that did not arrive"),
        text,
        translated("refused or failed, 30 days"),
        "" if text == "0" else "bad",
        list_url(Refund, state__exact=Refund.State.REFUSED),
    )


def _differences() -> Figure:
    latest = Reconciliation.objects.order_by("-created_at").first()
    if latest is None:
        return Figure(_("Differences to Stripe"), "0", translated("never compared"), url=list_url(Reconciliation))
    return Figure(
        _("Differences to Stripe"),
        number(latest.differences),
        translated("compared %(when)s") % {"when": relative_time(latest.created_at)},
        "bad" if latest.differences else "ok",
        row_url(latest),
    )


def _abuse() -> Figure:
    text = counted(AbuseFlag.objects.unscoped().filter(settled_at=None))
    url = list_url(AbuseFlag, state="open")
    return Figure(_("Signs of abuse"), text, translated("not looked at yet"), "" if text == "0" else "wait", url)


def payments_per_day() -> dict[str, Any]:
    """Two weeks as a chart; counted once a minute at most."""
    today = now().astimezone(UTC).date()
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    key = f"staff:payments_per_day:{today}"
    found: dict[str, dict[date, int]] | None = cache.get(key)
    if found is None:
        since = datetime(days[0].year, days[0].month, days[0].day, tzinfo=UTC)
        back = _by_day(Refund.objects.filter(created_at__gte=since), "created_at")
        disputed = _by_day(Dispute.objects.filter(created_at__gte=since), "created_at")
        paid = _by_day(Payment.objects.unscoped().filter(paid_at__gte=since), "paid_at")
        found = {"paid": paid, "back": dict(Counter(back) + Counter(disputed))}
        cache.set(key, found, KEPT_FOR)
    locale = to_locale(get_language() or "en")
    points = [
        Point(
            label=format_date(day, "d MMM", locale=locale),
            title=format_date(day, "d MMMM y", locale=locale),
            values={name: counts.get(day, 0) for name, counts in found.items()},
        )
        for day in days
    ]
    return {"chart": stacked_bars(_("Payments per day, and what went back"), points, SERIES)}


def _by_day(rows: Any, column: str) -> dict[date, int]:
    days = rows.order_by().annotate(day=TruncDate(column, tzinfo=UTC)).values_list("day")
    return dict(days.annotate(count=Count("pk")))


def organization_facts(organization: Organization) -> list[Figure]:
    """What it pays for, whether it may buy, and what it has in advance."""
    customer, live = find_customer(organization), live_subscriptions(organization)
    products = catalogue().products
    names = [products[row.product].name if row.product in products else row.product for row in live]
    failing = any(row.status in (Subscription.Status.PAST_DUE, Subscription.Status.UNPAID) for row in live)
    return [
        Figure(
            _("Subscriptions"),
            ", ".join(names) or translated("none"),
            translated("a payment failed") if failing else "",
            "bad" if failing else "",
            list_url(Subscription, organization__id__exact=organization.pk),
        ),
        _customer(customer),
        Figure(
            _("Credits left"),
            number(credits_left(organization)),
            url=list_url(CreditGrant, organization__id__exact=organization.pk, period="any"),
        ),
    ]


def _customer(customer: Customer | None) -> Figure:
    if customer is None:
        return Figure(_("Customer"), translated("never bought"))
    note = customer.held_because or customer.payment_method or translated("no payment method")
    state = translated("on hold") if customer.held_because else translated("may buy")
    return Figure(_("Customer"), state, note, "bad" if customer.held_because else "", row_url(customer))


register(
    AuditAction("billing.coupon_given", _("Gave a coupon")),
    StaffRight("billing.refund_payment", (FINANCE,)),
    StaffRight("billing.change_customer", (FINANCE,)),
    StaffRight("billing.change_abuseflag", (FINANCE,)),
    StaffRight("billing.add_creditgrant", (FINANCE,)),
    StaffRight("billing.change_creditgrant", (FINANCE,)),
    StaffRight("billing.add_privatecoupon", (FINANCE,)),
    StaffFigures("billing", _("Money"), figures, VIEW, order=15),
    StaffPanel("payments_per_day", _("Payments per day"), "admin/panels/chart.html", payments_per_day, VIEW, order=15),
    StaffFacts("billing", "accounts.organization", organization_facts, VIEW, order=60),
)
