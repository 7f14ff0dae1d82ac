"""URLs of core: what the types of problem documents lead to."""

from django.urls import path

from apps.core import views

urlpatterns = [path("problems/<slug:code>", views.problem_type, name="problem_type")]
