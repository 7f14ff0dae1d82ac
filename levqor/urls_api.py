"""URLs under /api/. They are tried in this order: the busiest come first."""

from django.urls import include, path

from apps.core.api import openapi

urlpatterns = [
    path("v1/", include("apps.workflows.urls_api")),
    path("v1/", include("apps.accounts.urls_api")),
    path("", include("apps.usage.urls_api")),
    path("v1/", include("apps.billing.urls_api")),
    path("v1/", include("apps.notifications.urls_api")),
    path("", include("apps.developers.urls_api")),
    path("", include("apps.monitoring.urls_api")),
    path("openapi.json", openapi, name="openapi"),
]
