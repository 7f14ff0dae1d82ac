"""Pages for developers."""

from django.urls import path

from apps.developers import views, views_requests, views_usage

urlpatterns = [
    path("developer", views.developer, name="developer"),
    path("developer/requests", views_requests.request_list, name="api_requests"),
    path("developer/requests/<str:request_key>", views_requests.request_detail, name="api_request"),
    path("developer/api-keys", views.keys, name="api_keys"),
    path("developer/api-keys/create", views.key_create, name="api_key_create"),
    path("developer/api-keys/<str:key_id>/edit", views.key_edit, name="api_key_edit"),
    path("developer/api-keys/<str:key_id>/rotate", views.key_rotate, name="api_key_rotate"),
    path("developer/api-keys/<str:key_id>/replace", views.key_replace, name="api_key_replace"),
    path("developer/api-keys/<str:key_id>/revoke", views.key_revoke, name="api_key_revoke"),
    path("developer/usage", views_usage.usage, name="usage"),
    path("developer/plans", views_usage.plans, name="plans"),
]
