"""Pages of billing."""

from django.urls import path

from apps.billing.views import buying, changing, credits, invoices, overview, pricing

urlpatterns = [
    path("pricing", pricing.pricing, name="pricing"),
    path("billing", overview.billing, name="billing"),
    path("billing/spend-cap", overview.spend_cap, name="billing_spend_cap"),
    path("billing/tax-id", overview.tax_id, name="billing_tax_id"),
    path("billing/tax-id/remove", overview.tax_id_remove, name="billing_tax_id_remove"),
    path("billing/portal", overview.portal, name="billing_portal"),
    path("billing/checkout", buying.checkout, name="billing_checkout"),
    path("billing/orders", buying.order_create, name="billing_order"),
    path("billing/orders/<str:order_id>", buying.back, name="billing_return"),
    path("billing/orders/<str:order_id>/pay", buying.pay, name="billing_pay"),
    path("billing/orders/<str:order_id>/cancel", buying.order_cancel, name="billing_order_cancel"),
    path("billing/subscriptions/<str:subscription_id>/change", changing.change, name="billing_change"),
    path("billing/subscriptions/<str:subscription_id>/cancel", changing.cancel, name="billing_cancel"),
    path("billing/subscriptions/<str:subscription_id>/resume", changing.resume, name="billing_resume"),
    path("billing/credits", credits.credits, name="billing_credits"),
    path("billing/invoices", invoices.invoices, name="billing_invoices"),
    path("billing/invoices/<str:invoice_id>", invoices.invoice, name="billing_invoice"),
    path("billing/invoices/<str:invoice_id>/lines/<int:line_id>", invoices.line_usage, name="billing_line_usage"),
    path("billing/payments", invoices.payments, name="billing_payments"),
]
