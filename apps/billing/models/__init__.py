"""The rows of billing."""

from apps.billing.models.abuse import AbuseFlag
from apps.billing.models.customers import Customer
from apps.billing.models.entitlements import CreditGrant, CreditUse, Entitlement
from apps.billing.models.months import ApiMonth
from apps.billing.models.orders import Order, PriceAtStripe, PrivateCoupon
from apps.billing.models.overage import Difference, OverageReport, Reconciliation
from apps.billing.models.payments import Dispute, Invoice, InvoiceLine, Payment, Refund
from apps.billing.models.subscriptions import Subscription

__all__ = [
    "AbuseFlag",
    "ApiMonth",
    "CreditGrant",
    "CreditUse",
    "Customer",
    "Difference",
    "Dispute",
    "Entitlement",
    "Invoice",
    "InvoiceLine",
    "Order",
    "OverageReport",
    "Payment",
    "PriceAtStripe",
    "PrivateCoupon",
    "Reconciliation",
    "Refund",
    "Subscription",
]
