"""Pages that developers read."""

from django.urls import path

from apps.developers.docs import views

urlpatterns = [
    path("dev", views.overview, name="dev"),
    path("dev/<slug:guide>", views.dev_guide, name="dev_guide"),
    path("docs/api", views.api_reference, name="docs_api"),
    path("docs/api/redoc", views.api_redoc, name="docs_api_redoc"),
    path("docs/api/token", views.sandbox_token, name="docs_api_token"),
    path("docs/sdk", views.sdks, name="docs_sdk"),
    path("docs/sdk/<str:package>", views.sdk_download, name="docs_sdk_download"),
]
