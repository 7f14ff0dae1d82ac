"""What a bill pays for: whether it is what its subscription is now, and what follows where its money was taken back."""

from datetime import datetime

from django.db.models import F

from apps.billing.models import Invoice, Payment, Subscription
from apps.core.clock import now

CHANGE = "subscription_update"  # the reason of a bill for more seats, or for another price
_WHOLE = ("", "subscription_create", "subscription_cycle")


def paid_until(invoice: Invoice) -> datetime:
    """The end of the time that a bill is for."""
    return max((line.period_end for line in invoice.lines.all()), default=invoice.period_end)


def pays_for(row: Subscription, invoice: Invoice) -> bool:
    """Whether a bill pays for what a subscription is now: for its price, or for the change to it, and the time is not
    over. One seat more, or what was changed away from since, is not what it stands on."""
    if paid_until(invoice) <= now():
        return False
    lines = list(invoice.lines.all())
    charged = any(line.price == row.price and line.amount >= 0 for line in lines)
    if invoice.reason == CHANGE:
        return charged and any(line.price != row.price and line.amount < 0 for line in lines)
    return charged and invoice.reason in _WHOLE


def is_taken_back(row: Subscription) -> bool:
    """Whether a bill that pays for what a subscription is now was wholly taken back by a bank: until it is won, or the
    next one is paid."""
    taken = Payment.objects.for_organization(row.organization_id).filter(
        invoice__subscription=row, disputed__gt=0, settled__gte=F("amount")
    )
    payments = taken.select_related("invoice").prefetch_related("invoice__lines")
    return any(one.invoice is not None and pays_for(row, one.invoice) for one in payments)
