"""Billing under /api/v1/."""

from django.urls import path

from apps.billing import api

urlpatterns = [
    path("billing/purchase-credits", api.PurchaseCreditsView.as_view(), name="api_purchase_credits"),
    path("billing/credits", api.CreditsView.as_view(), name="api_credits"),
    path("billing/orders/<str:order_id>", api.OrderView.as_view(), name="api_order"),
]
