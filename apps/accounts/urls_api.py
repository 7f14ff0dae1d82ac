"""Accounts under /api/v1/."""

from django.urls import URLPattern, path

from apps.accounts import api

urlpatterns: list[URLPattern] = [
    path("me", api.MeView.as_view(), name="api_me"),
    path("auth/device", api.DeviceStartView.as_view(), name="api_device_start"),
    path("auth/device/token", api.DeviceTokenView.as_view(), name="api_device_token"),
    path("auth/token", api.TokenView.as_view(), name="api_token"),
    path("auth/token/refresh", api.TokenRefreshView.as_view(), name="api_token_refresh"),
    path("auth/token/revoke", api.TokenRevokeView.as_view(), name="api_token_revoke"),
]
