"""What stands around every request bears whatever a stranger sends."""

import time

import pytest
import time_machine
from django.core.signing import TimestampSigner

from apps.monitoring import middleware
from apps.monitoring.metrics.series import REGISTRY
from apps.monitoring.observing import own_probes
from tests.common.roles import api_client_of
from tests.common.workflows import make_run, make_workflow

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


@pytest.fixture
def noted(monkeypatch):
    """The scopes of requests that were counted."""
    scopes = []
    monkeypatch.setattr(middleware, "note", lambda scope, _status, _seconds: scopes.append(scope))
    return scopes


def test_our_own_probes_are_no_requests_of_people(noted, live_server, settings):
    settings.SITE_URL = live_server.url
    assert own_probes.status_of("/robots.txt") == 200
    assert own_probes.status_of("/api/metrics/public") == 200
    assert noted == []
    own_probes._client(live_server.url).close()
    own_probes._client.cache_clear()


def test_what_a_demo_lets_fail_is_no_page(noted, client):
    client.get("/demo/status")
    client.get("/demo/orders")
    assert noted == []


def test_nobody_hides_a_request_by_a_header_of_their_own(noted, client):
    with time_machine.travel(time.time() - own_probes.SIGNED_FOR - 1):
        old = TimestampSigner(salt="levqor.own-probe").sign("probe")
    for signed in ("", "probe", "probe:1:abc", old, TimestampSigner(salt="another").sign("probe")):
        client.get("/robots.txt", headers={"x-levqor-probe": signed})
    assert noted == ["pages"] * 5


def test_nobody_hides_a_request_by_asking_it_to_wait(noted, client):
    for path in ("/robots.txt?wait=1", "/nowhere?x=wait=", "/api/v1/ping?await=1", "/api/v1/runs/run_1/events?wait=20"):
        client.get(path)
    assert noted == ["pages", "pages", "api", "api"]


def test_what_waited_on_purpose_is_no_slow_request(noted, organization, developer, monkeypatch):
    run = make_run(make_workflow(organization, developer), {"who": "Ada"})
    monkeypatch.setattr("apps.workflows.api.runs.LOOK_EVERY", 0.01)
    address, api = f"/api/v1/runs/{run.public_id}/events", api_client_of(developer, organization)
    assert api.get(address, {"after": run.revision, "wait": 1}).status_code == 200
    assert noted == []
    assert api.get(address, {"after": run.revision, "wait": 0}).status_code == 200
    assert noted == ["api"]
