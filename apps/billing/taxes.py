"""What of the money that came in belongs to states: no revenue, though Stripe's account has it for a while."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import QuerySet, Sum

from apps.billing.revenue import gave_back, live_payments, received, were_taken


def of_day(day: date) -> int | None:
    """The taxes of a day (UTC) in cents of US dollars; None for none."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return taxes(start, start + timedelta(days=1)) or None


def taxes(start: datetime, end: datetime) -> int:
    """What customers paid and did not get back, less what products earned by it: both by when the money moved."""
    kept = _sum(live_payments(start, end)) - _sum(gave_back(start, end)) - _sum(were_taken(start, end))
    return kept - sum(received(start, end).values())


def _sum(rows: QuerySet[Any]) -> int:
    total: int | None = rows.aggregate(sum=Sum("amount"))["sum"]
    return total or 0
