"""Pages of billing."""

from django.urls import path

from apps.billing.views import buying, overview

urlpatterns = [
    path("billing", overview.billing, name="billing"),
    path("billing/orders", buying.order_create, name="billing_order"),
    path("billing/orders/<str:order_id>/pay", buying.pay, name="billing_pay"),
    path("billing/orders/<str:order_id>", buying.back, name="billing_return"),
]
