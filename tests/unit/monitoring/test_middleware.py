"""What stands around every request bears whatever a stranger sends."""

import pytest

from apps.monitoring.metrics.series import REGISTRY

pytestmark = pytest.mark.django_db
LATENCY = "django_http_requests_latency_seconds_by_view_method"


def methods() -> set[str]:
    """The methods that series are named after."""
    families = [one for one in REGISTRY.collect() if one.name == LATENCY]
    return {sample.labels["method"] for one in families for sample in one.samples}


def test_a_length_that_is_no_number_breaks_nothing(client):
    assert client.get("/", headers={"content-length": "many"}).status_code == 200


def test_no_series_is_named_after_a_method_that_somebody_invents(client):
    client.get("/robots.txt")
    client.generic("BREW", "/robots.txt")
    assert "BREW" not in methods()
