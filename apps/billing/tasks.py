"""Celery tasks of billing: thin calls into services."""

from celery import shared_task

from apps.billing.services import allowances, checkout, credits, entitlements, overage, refunds, subscriptions

TICK_TASK = "billing.settle"


@shared_task(name=refunds.REFUND_TASK)
def refund() -> None:
    """Give back what was ordered."""
    refunds.refund_ordered()


@shared_task(name=subscriptions.END_TASK)
def end_subscriptions() -> None:
    """End what was ordered to end."""
    subscriptions.end_ordered()


@shared_task(name=overage.REPORT_TASK)
def report_overage() -> None:
    """Tell Stripe's meters what was ordered."""
    overage.report_ordered()


@shared_task(name=TICK_TASK)
def settle() -> None:
    """Settle credits with what was called, end what has run out, tell the gate; and close what must not be paid."""
    overage.settle_all()
    credits.expire_due()
    entitlements.end_due()
    allowances.push_stale()
    checkout.close_held()
