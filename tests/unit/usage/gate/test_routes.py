"""Under which category an address counts, and what is free."""

import re

import pytest
from django.urls import resolve

from apps.usage.gate.dispatch import _is_gated
from apps.usage.gate.routes import UNKNOWN, Route, _route, route_of
from apps.usage.models import UsageEvent
from tests.common.routes import routes


@pytest.mark.parametrize(
    ("address", "route"),
    [
        ("/api/v1/runs", Route("runs")),
        ("/api/v1/runs/run_x", Route("runs")),
        ("/api/v1/runs/run_x/events", Route("runs", free=True)),
        ("/api/v1/workflows/x/runs", Route("workflows")),
        ("/api/usage", Route("usage", free=True)),
        ("/api/v1/usage", Route("usage", free=True)),
        ("/api/v1/ping", Route("ping")),
        ("/api/key/new", Route("key")),
        ("/api/openapi.json", Route("openapi", free=True)),
    ],
)
def test_routes(address, route):
    assert route_of(resolve(address)) == route


def test_an_unknown_address():
    assert route_of(None) == Route(UNKNOWN)


def test_every_category_is_a_plain_word_that_fits():
    """A separator in it would spoil every event after it; too long a one the database refuses."""
    most = UsageEvent._meta.get_field("category").max_length
    found = {_route(route.pattern, free=False).category for route in routes() if _is_gated(f"/{route.pattern}")}
    assert found > {"runs", "ping"}
    for category in found:
        assert re.fullmatch(r"[a-z_-]+", category), category
        assert len(category) <= most
