"""The addresses, as the platform has them."""

from django.urls import path

from tests.benchmarks.peer.views import PingView, RunView

urlpatterns = [
    path("api/v1/ping", PingView.as_view()),
    path("api/v1/runs/<str:run>", RunView.as_view()),
]
