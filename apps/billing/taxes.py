"""What of the money that came in belongs to states: no revenue, though Stripe's account has it for a while."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet, Sum

from apps.billing.models import Dispute, Refund
from apps.billing.revenue import CURRENCY, live_payments, received


def of_day(day: date) -> int | None:
    """The taxes of a day (UTC) in cents of US dollars; None for none."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return taxes(start, start + timedelta(days=1)) or None


def taxes(start: datetime, end: datetime) -> int:
    """What customers paid and did not get back, less what products earned by it: both by when the money moved."""
    when = {"created_at__gte": start, "created_at__lt": end}
    live = {"payment__currency": CURRENCY, "payment__organization__livemode": True}
    back = Refund.objects.filter(state__in=(Refund.State.PENDING, Refund.State.SUCCEEDED), **when, **live)
    taken = Dispute.objects.filter(**when, **live).exclude(
        Q(status__startswith="warning") | Q(status__in=("won", "prevented"))
    )
    kept = _sum(live_payments(start, end)) - _sum(back) - _sum(taken)
    return kept - sum(received(start, end).values())


def _sum(rows: QuerySet[Any]) -> int:
    total: int | None = rows.order_by().aggregate(sum=Sum("amount"))["sum"]
    return total or 0
