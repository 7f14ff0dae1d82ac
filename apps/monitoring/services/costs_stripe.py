"""What Stripe says of days: revenue, fees, and what is on our account."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date

import structlog

from apps.core.errors import DomainError
from apps.integrations.stripe.connection import stripe
from apps.integrations.stripe.errors import PaymentsNotSetUpError
from apps.integrations.stripe.objects import BalanceTransaction
from apps.monitoring.intervals import whole_days
from apps.monitoring.models.costs import CURRENCY

log = structlog.get_logger(__name__)

CAME_IN = frozenset({"charge", "payment"})
WENT_BACK = frozenset(
    {"refund", "payment_refund", "refund_failure", "payment_failure_refund", "payment_reversal", "adjustment"}
)
CHARGED = frozenset({"stripe_fee", "tax_fee", "stripe_fx_fee", "network_cost"})  # fees that are movements of their own


@dataclass
class StripeDay:
    """Revenue less what went back, and what Stripe took; the currencies that are left out, as there is no rate."""

    revenue: int = 0
    fees: int = 0
    others: set[str] = field(default_factory=set)


def stripe_days(first: date, last: date) -> dict[date, StripeDay] | None:
    """Each day by Stripe's own movements. None where Stripe is away, or nobody set it up."""
    span = whole_days(first, last)
    try:
        return sorted_by_day(stripe().balance_transactions(span.start, span.end))
    except PaymentsNotSetUpError:
        return None
    except DomainError as error:
        log.warning("stripe_costs_unknown", reason=error.code)
        return None


def sorted_by_day(moved: Iterable[BalanceTransaction]) -> dict[date, StripeDay]:
    """By the day (UTC) on which it moved. Payouts to the bank are neither revenue nor cost."""
    days: dict[date, StripeDay] = defaultdict(StripeDay)
    for one in moved:
        if one.type not in CAME_IN | WENT_BACK | CHARGED:
            continue
        day = days[one.created.astimezone(UTC).date()]
        if one.currency != CURRENCY:
            day.others.add(one.currency)
            continue
        if one.type in CHARGED:
            day.fees -= one.amount
        else:
            day.revenue += one.amount
        day.fees += one.fee
    return days


def balance() -> int | None:
    """What is on our account, paid out soon or later. None where nobody knows."""
    try:
        found = stripe().balance()
    except PaymentsNotSetUpError:
        return None
    except DomainError as error:
        log.warning("stripe_balance_unknown", reason=error.code)
        return None
    return found.available.get(CURRENCY, 0) + found.pending.get(CURRENCY, 0)
