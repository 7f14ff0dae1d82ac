"""The status page's addresses."""

from django.urls import path
from django.views.decorators.http import require_safe

from apps.monitoring.status import views, views_json
from apps.monitoring.status.feeds import HistoryFeed

urlpatterns = [
    path("status", views.page, name="status"),
    path("status/history", views.history, name="status_history"),
    path("status/history.atom", require_safe(HistoryFeed()), name="status_feed"),
    path("status/history/<str:month>", views.history, name="status_month"),
    path("status/incidents/<str:incident>", views.incident, name="status_incident"),
    path("status/subscribe", views.subscribe, name="status_subscribe"),
    path("status/subscribed", views.subscribed, name="status_subscribed"),
    path("status/confirm/<str:token>", views.confirm, name="status_confirm"),
    path("status/unsubscribe/<str:token>", views.unsubscribe, name="status_unsubscribe"),
]

urlpatterns_json = [
    path("v2/summary.json", views_json.summary_json, name="status_summary_json"),
    path("v2/status.json", views_json.status_json, name="status_json"),
    path("v2/components.json", views_json.components_json, name="status_components_json"),
    path("v2/incidents.json", views_json.incidents_json, name="status_incidents_json"),
    path("v2/scheduled-maintenances.json", views_json.maintenances_json, name="status_maintenances_json"),
]
