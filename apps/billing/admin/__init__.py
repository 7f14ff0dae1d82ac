"""Staff pages of billing: who pays for what, what was paid and went back, and whether our books agree with Stripe's.

Nothing is edited here: money moves by actions, each with its own right and on the record.
"""

from apps.billing.admin import abuse, catalogue, comparing, customers, invoices, ownership, payments, subscriptions

__all__ = ["abuse", "catalogue", "comparing", "customers", "invoices", "ownership", "payments", "subscriptions"]
