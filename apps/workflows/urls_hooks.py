"""Where webhooks come in."""

from django.urls import path

from apps.workflows.api.hooks import HookView

urlpatterns = [path("hooks/<str:trigger>", HookView.as_view(), name="hook")]
