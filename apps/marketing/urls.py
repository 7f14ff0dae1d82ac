"""Public pages."""

from django.urls import path

from apps.marketing import views

urlpatterns = [
    path("", views.landing, name="landing"),
    path("robots.txt", views.robots, name="robots"),
    path("favicon.ico", views.favicon, name="favicon"),
    path("styleguide", views.styleguide, name="styleguide"),
]
