"""Monitoring under /api/."""

from django.urls import include, path

from apps.monitoring.status import api
from apps.monitoring.urls import urlpatterns_json

urlpatterns = [
    path("metrics/public", api.PublicMetricsView.as_view(), name="api_public_metrics"),
    path("", include(urlpatterns_json)),
]
