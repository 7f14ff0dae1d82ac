"""Pages of notifications."""

from django.urls import path

from apps.notifications import views

urlpatterns = [
    path("notifications", views.inbox, name="notifications"),
    path("notifications/read", views.read_all, name="notifications_read"),
    path("notifications/unsubscribe/<str:token>", views.unsubscribe, name="unsubscribe"),
    path("notifications/<str:notification_id>", views.open_notification, name="notification"),
    path("notifications/<str:notification_id>/read", views.read, name="notification_read"),
    path("settings/notifications", views.settings, name="notification_settings"),
]
