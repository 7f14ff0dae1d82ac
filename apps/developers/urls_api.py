"""Developers under /api/."""

from django.urls import path

from apps.developers import api

urlpatterns = [
    path("key/new", api.NewKeyView.as_view(), name="api_key_new"),
    path("secret-scanning", api.SecretScanningView.as_view(), name="api_secret_scanning"),
    path("v1/keys", api.KeyListView.as_view(), name="api_key_list"),
    path("v1/keys/<str:key_id>/rotate", api.KeyRotateView.as_view(), name="api_key_rotation"),
    path("v1/keys/<str:key_id>/revoke", api.KeyRevokeView.as_view(), name="api_key_revocation"),
]
