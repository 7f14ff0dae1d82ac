"""Usage under /api/."""

from django.urls import path

from apps.usage import api, api_meters

urlpatterns = [
    path("usage", api.ShortUsageView.as_view(), name="api_usage_short"),
    path("v1/usage", api.UsageView.as_view(), name="api_usage"),
    path("v1/usage/meters", api_meters.MetersView.as_view(), name="api_meters"),
    path("v1/usage/meters/<str:meter>", api_meters.MeterView.as_view(), name="api_meter"),
    path("v1/ping", api.PingView.as_view(), name="api_ping"),
]
