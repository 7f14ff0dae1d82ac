"""The demo's own endpoints."""

from django.urls import path

from apps.workflows.demo import endpoints

urlpatterns = [
    path("demo/orders", endpoints.orders, name="demo_orders"),
    path("demo/customers", endpoints.customers, name="demo_customers"),
    path("demo/customers/<str:customer>/notify", endpoints.notify, name="demo_notify"),
    path("demo/tickets", endpoints.tickets, name="demo_tickets"),
    path("demo/status", endpoints.status, name="demo_status"),
]
