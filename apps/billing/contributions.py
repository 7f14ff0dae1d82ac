"""What billing adds to the platform."""

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from apps.billing import handlers, health, jobs, pulse, staff_contributions, taxes
from apps.billing.services import (
    credits,
    customers,
    disputes,
    entitlements,
    invoices,
    orders,
    overage,
    payments,
    refunds,
    subscriptions,
)
from apps.billing.tasks import TICK_TASK
from apps.core.kinds import (
    AuditAction,
    CostSource,
    EntitlementProvider,
    EventHandler,
    EventType,
    HealthCheck,
    ScheduledJob,
    SettingsPage,
    Tick,
    VendorObjectHandler,
)
from apps.core.preparation import ReleaseStep
from apps.core.registry import register

register(
    *pulse.CONTRIBUTIONS,
    EntitlementProvider("billing", "pricing", entitlements.entitlements_of),
    SettingsPage("billing", _("Billing"), "billing", "organization", order=30, permission="billing.view"),
    VendorObjectHandler("stripe", "customer", "billing", customers.apply),
    VendorObjectHandler("stripe", "subscription", "billing", subscriptions.apply),
    VendorObjectHandler("stripe", "invoice", "billing", invoices.apply),
    VendorObjectHandler("stripe", "payment_intent", "billing", payments.apply),
    VendorObjectHandler("stripe", "refund", "billing", refunds.apply),
    VendorObjectHandler("stripe", "dispute", "billing", disputes.apply),
    VendorObjectHandler("stripe", "checkout.session", "billing", orders.apply),
    EventType(payments.SUCCEEDED, _("A payment arrived")),
    EventType(payments.REVERSED, _("A payment went back, or came again")),
    EventType(invoices.PAYMENT_FAILED, _("A bill could not be paid")),
    EventType(invoices.RECOVERED, _("A bill was paid after all")),
    EventType(subscriptions.CHANGED, _("A subscription changed")),
    EventType(entitlements.CHANGED, _("What an organization may use changed")),
    EventType(credits.GRANTED, _("Credits were granted")),
    EventType(disputes.OPENED, _("A payment is disputed")),
    EventType(disputes.CLOSED, _("A dispute was decided")),
    EventHandler(invoices.PAYMENT_FAILED, "billing.mail_payment_failed", handlers.mail_payment_failed),
    EventHandler(invoices.RECOVERED, "billing.mail_payment_recovered", handlers.mail_payment_recovered),
    EventHandler(subscriptions.CHANGED, "billing.mail_subscription_changed", handlers.mail_subscription_changed),
    EventHandler(payments.SUCCEEDED, "billing.mail_payment", handlers.mail_payment),
    EventHandler(disputes.OPENED, "billing.mail_dispute", handlers.mail_dispute),
    EventHandler(payments.REVERSED, "billing.mail_refund", handlers.mail_refund),
    ReleaseStep("catalogue", _("catalogue"), health.push_catalogue),
    CostSource("sales_tax", _("Sales tax"), "tax", taxes.of_day),
    HealthCheck("catalogue", _("Catalogue"), health.on_sale),
    Tick("billing_refunds", refunds.REFUND_TASK, 10),
    Tick("billing_ends", subscriptions.END_TASK, 10),
    Tick("billing_overage", overage.REPORT_TASK, 60),
    Tick("billing_settle", TICK_TASK, 60),
    ScheduledJob("billing_meters", _("Count overage for Stripe's meters"), jobs.count_overage, "5,35 * * * *"),
    ScheduledJob("billing_orders", _("End orders that nobody paid"), jobs.expire_orders, "15 * * * *"),
    ScheduledJob("billing_trials", _("Tell whose trial ends soon"), jobs.tell_of_trials, "20 8 * * *"),
    ScheduledJob(
        "billing_reconciliation",
        _("Compare our books with Stripe's"),
        jobs.reconcile,
        "40 4 * * *",
        overdue_after=timedelta(days=2),
    ),
    ScheduledJob("billing_abuse", _("Look for signs of abuse"), jobs.look_for_abuse, "50 3 * * *"),
    AuditAction("billing.spend_cap_changed", _("Changed the limit of overage")),
    AuditAction("billing.customer_held", _("Put a customer on hold")),
    AuditAction("billing.abuse_settled", _("Settled a sign of abuse")),
    AuditAction("billing.customer_released", _("Let a customer buy again")),
    AuditAction("billing.credits_given", _("Gave credits")),
    AuditAction("billing.credits_revoked", _("Revoked credits")),
    AuditAction("billing.refund_ordered", _("Ordered a refund"), scrub=("note",)),
    AuditAction("billing.subscription_changed", _("Changed a subscription")),
    AuditAction("billing.subscription_canceled", _("Canceled a subscription")),
    AuditAction("billing.subscription_resumed", _("Resumed a subscription")),
    AuditAction("billing.tax_id_changed", _("Changed the tax id")),
)

__all__ = ["staff_contributions"]  # imported so that its contributions are made
