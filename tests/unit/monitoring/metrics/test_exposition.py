"""`/metrics`: who may read it, what it says, and that it asks no database."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core.kinds import Gauge
from apps.core.registry import contributed
from apps.core.tallies import Tally
from apps.monitoring.metrics import reading
from apps.monitoring.metrics.reading import LAST_READ, read_gauges
from apps.monitoring.models import GaugeSample
from apps.monitoring.selectors.gauge_history import gauge_series, queue_depth_series
from tests.common.roles import api_client_of

pytestmark = pytest.mark.django_db
TOKEN = "a-token-of-prometheus"


@pytest.fixture(autouse=True)
def _own_copy(tmp_path, settings):
    settings.KEPT_DIR = tmp_path


def value(text: str, series: str) -> float:
    found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def scrape(client) -> str:
    answer = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_scrape_asks_no_database(client, settings):
    settings.METRICS_TOKEN = TOKEN
    read_gauges()
    client.get("/robots.txt")
    with CaptureQueriesContext(connection) as asked:
        text = scrape(client)
    assert len(asked) == 0
    for name in (
        "levqor_queue_depth",
        "levqor_webhook_lag_seconds",
        "levqor_event_deliveries",
        "levqor_mail_due",
        "levqor_gauges_age_seconds",
        "levqor_build_info",
        "levqor_recent_runs",
        "levqor_http_request_seconds",
        "django_http_requests_latency_seconds_by_view_method",
    ):
        assert f"# TYPE {name} " in text, name


@pytest.mark.parametrize(
    ("token", "environment", "headers", "address", "status"),
    [
        (TOKEN, "production", {"HTTP_AUTHORIZATION": f"Bearer {TOKEN}"}, "203.0.113.5", 200),
        (TOKEN, "local", {"HTTP_AUTHORIZATION": f"Bearer {TOKEN}x"}, "127.0.0.1", 404),
        (TOKEN, "local", {"HTTP_AUTHORIZATION": f"Basic {TOKEN}"}, "127.0.0.1", 404),
        (TOKEN, "local", {}, "127.0.0.1", 404),
        ("", "local", {}, "127.0.0.1", 200),
        ("", "local", {}, "::1", 200),
        ("", "local", {}, "203.0.113.5", 404),
        ("", "local", {"HTTP_X_FORWARDED_FOR": "127.0.0.1"}, "127.0.0.1", 404),
        ("", "local", {"HTTP_FORWARDED": "for=127.0.0.1"}, "127.0.0.1", 404),
        ("", "local", {"HTTP_TRUE_CLIENT_IP": "203.0.113.5"}, "127.0.0.1", 404),
        ("", "local", {"HTTP_CF_CONNECTING_IP": "203.0.113.5"}, "127.0.0.1", 404),
        ("", "local", {"HTTP_X_FORWARDED_PROTO": "https"}, "127.0.0.1", 404),
        ("", "local", {"HTTP_AUTHORIZATION": "Bearer "}, "203.0.113.5", 404),
        ("", "production", {}, "127.0.0.1", 404),
    ],
)
def test_who_may_read(client, settings, token, environment, headers, address, status):
    settings.METRICS_TOKEN, settings.LEVQOR_ENV = token, environment
    asked = {"HTTP_HOST": "127.0.0.1:8000", "REMOTE_ADDR": address} | headers
    assert client.get("/metrics", **asked).status_code == status


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("localhost:8000", 200),
        ("[::1]:8000", 200),
        ("rebind.evil.example", 404),
        ("127.0.0.1.evil.example:8000", 404),
        ("localhost.evil.example", 404),
        ("127.0.0.1:8000@evil.example", 404),
        ("", 404),
    ],
)
def test_without_a_token_this_machine_is_asked_by_its_own_name(client, settings, host, status):
    """A stranger's page may have a name of theirs that leads here, and the reader's browser asks by it."""
    settings.METRICS_TOKEN, settings.LEVQOR_ENV = "", "local"
    assert client.get("/metrics", HTTP_HOST=host, REMOTE_ADDR="127.0.0.1").status_code == status


@pytest.mark.parametrize(
    "name",
    [
        "Client-IP",
        "X-Client-IP",
        "X-Cluster-Client-IP",
        "Fastly-Client-IP",
        "Fly-Client-IP",
        "X-Forwarded",
        "X-Forwarded-Port",
        "X-Forwarded-Server",
        "X-Original-Forwarded-For",
        "X-Envoy-External-Address",
        "X-Real-IP",
        "Via",
    ],
)
def test_whatever_a_proxy_passes_on_is_no_request_of_this_machine(client, settings, name):
    settings.METRICS_TOKEN, settings.LEVQOR_ENV = "", "local"
    headers = {"host": "localhost", name: "203.0.113.5"}
    assert client.get("/metrics", headers=headers, REMOTE_ADDR="127.0.0.1").status_code == 404


def test_prometheus_asks_by_address(client, settings):
    settings.METRICS_TOKEN = TOKEN
    answer = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}", "host": "10.1.2.3:8000"})
    assert answer.status_code == 200
    assert client.post("/metrics", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 404


def test_the_gate_tells_what_it_decides(client, settings, owner, organization):
    settings.METRICS_TOKEN = TOKEN
    series = {
        name: f'levqor_gate_decisions_total{{decision="{name}"}}' for name in ("passed", "refused", "rate_limited")
    }
    before = scrape(client)
    assert api_client_of(owner, organization).get("/api/v1/ping").status_code == 200
    assert client.get("/api/v1/ping", headers={"authorization": "Bearer wrong"}).status_code == 401
    settings.API_ANONYMOUS_CALLS_PER_MINUTE = 1
    assert [client.get("/api/v1/me", REMOTE_ADDR="203.0.113.9").status_code for _time in range(2)] == [401, 429]
    after = scrape(client)
    more = {name: value(after, one) - value(before, one) for name, one in series.items()}
    assert more == {"passed": 2, "refused": 1, "rate_limited": 1}


def test_one_gauge_that_breaks_is_left_out(client, settings):
    settings.METRICS_TOKEN = TOKEN

    def broken():
        raise ValueError("no")

    many = {(str(number),): 1.0 for number in range(1_000)}
    with contributed(Gauge("tried_broken", "Help.", broken), Gauge("tried_many", "Help.", lambda: many, ("number",))):
        before = value(scrape(client), 'levqor_gauge_failures_total{gauge="tried_broken"}')
        read_gauges()
    text = scrape(client)
    assert "# TYPE levqor_queue_depth gauge" in text
    assert "# TYPE tried_broken" not in text
    assert text.count("tried_many{") == reading.MOST_SERIES
    assert value(text, 'levqor_gauge_failures_total{gauge="tried_broken"}') == before + 1


def test_gauges_are_sampled_every_five_minutes(time_machine):
    time_machine.move_to("2026-11-20T12:03:00Z", tick=False)
    read_gauges()
    read_gauges()
    count = GaugeSample.objects.count()
    assert count > 10
    time_machine.move_to("2026-11-20T12:05:01Z", tick=False)
    read_gauges()
    assert GaugeSample.objects.count() == 2 * count
    times = [at.strftime("%H:%M") for at, _value in queue_depth_series()]
    assert times == ["12:00", "12:05"]
    assert set(gauge_series("levqor_event_deliveries", queue_depth_series()[0][0])) == {"due", "dead"}


def test_a_copy_that_is_cut_off_is_none():
    LAST_READ.file.parent.mkdir(parents=True, exist_ok=True)
    LAST_READ.file.write_text('[1, {"a"')
    if LAST_READ.get() is not None:  # Redis has the whole one
        pytest.skip("there is a copy in Redis")


def test_label_values_are_few():
    """A label made of what callers send would be a series for each caller."""
    from apps.core.tallies import tallies

    for tally in tallies():
        assert not {"path", "organization", "user", "key", "email", "address"} & set(tally.labels), tally.name
        assert isinstance(tally, Tally) or tally.bounds == tuple(sorted(tally.bounds))
