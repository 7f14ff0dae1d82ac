"""Comparing what we have with what Stripe has, our books with our rows, and what was used with what is billed.

Each difference is a line of the report. What Stripe knows better is looked at again by the way, so that the next
comparison finds less; what is left is for people. Lists are read as streams, and rows a batch at a time: what it costs
does not grow with the number of customers but by pages. Only meters are asked for each customer with overage.
"""

from datetime import timedelta

from django.db import transaction

from apps.billing.models import Difference, Reconciliation
from apps.billing.services.reconciliation import (
    books_side,
    credit_side,
    own_side,
    stripe_side,
    subscription_side,
    usage_side,
)
from apps.billing.services.reconciliation.findings import BATCH, Findings, Span
from apps.core.clock import now
from apps.integrations.stripe.connection import stripe

__all__ = ["SETTLED", "SPAN", "reconcile"]

SPAN = timedelta(days=3)
SETTLED = timedelta(minutes=10)  # what is younger may be on its way


def reconcile(span: timedelta = SPAN) -> Reconciliation:
    """Compare the last days, up to ten minutes ago, and keep the report."""
    end = now() - SETTLED
    gateway, found = stripe(), Findings()
    compared = Span(end - span, end)
    compared = stripe_side.compare_events(gateway, compared, found)
    stripe_side.compare(gateway, compared, found)
    subscription_side.compare(gateway, compared, found)
    credit_side.compare(gateway, compared, found)
    books_side.compare(compared, found)
    own_side.compare(found)
    usage_side.compare(gateway, found)
    with transaction.atomic():
        report = Reconciliation.objects.create(
            begin=compared.begin, end=compared.end, compared=found.compared, differences=len(found.lines)
        )
        for line in found.lines:
            line.reconciliation = report
        Difference.objects.bulk_create(found.lines, batch_size=BATCH)
    return report
