"""Notifications under /api/v1/."""

from django.urls import path

from apps.notifications import api

urlpatterns = [
    path("notifications", api.NotificationsView.as_view(), name="api_notifications"),
    path("notifications/read", api.ReadAllView.as_view(), name="api_notifications_read"),
    path("notifications/<str:notification_id>/read", api.ReadView.as_view(), name="api_notification_read"),
]
