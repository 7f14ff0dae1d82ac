"""The log of API requests: noted without waiting, written later, forgotten after a while, and without secrets."""

import pytest
from django.test import Client

from apps.accounts.services import api_keys
from apps.accounts.services.api_keys import Terms
from apps.core.redis_client import redis_client
from apps.usage import request_log
from apps.usage.models import ApiRequest
from tests.common.roles import actor_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_waits():
    request_log._waiting.clear()
    yield
    request_log._waiting.clear()


@pytest.fixture
def issued(owner, organization):
    return api_keys.create_key(actor_of(owner, organization), organization, "live", Terms("Program"))


@pytest.fixture
def program(issued):
    return Client(headers={"X-API-Key": issued.secret})


def written(organization):
    request_log.flush()
    request_log.store_waiting()
    return list(ApiRequest.objects.for_organization(organization).order_by("pk"))


def test_what_is_noted(program, issued, organization, owner):
    program.get("/api/v1/runs?limit=5", headers={"X-Request-Id": "looked-up-later"})
    program.get("/api/v1/nowhere")
    first, second = written(organization)
    assert (first.method, first.path, first.status, first.category) == ("GET", "/api/v1/runs?limit=5", 200, "runs")
    assert (first.key_id, first.user_id, first.request_id) == (issued.key.pk, owner.pk, "looked-up-later")
    assert (first.address, first.body) == ("127.0.0.1", "")
    assert (second.path, second.status, second.category) == ("/api/v1/nowhere", 404, "unknown")
    assert written(organization) == [first, second]


def test_nothing_is_written_while_the_call_waits(program, organization):
    program.get("/api/v1/ping")
    assert not ApiRequest.objects.for_organization(organization).exists()
    assert len(request_log._waiting) == 1


def test_bodies_are_kept_to_be_sent_again(program, organization):
    program.post("/api/v1/workflows/validate", {"source": "name: x"}, content_type="application/json")
    assert written(organization)[0].body == '{"source": "name: x"}'


def test_no_secret_and_nothing_long_is_kept(program, organization, owner):
    program.put("/api/v1/secrets/TOKEN", {"value": "hunter2"}, content_type="application/json")
    long = {"source": "x" * request_log.LONGEST_BODY}
    program.post("/api/v1/workflows/validate", long, content_type="application/json")
    program.post("/api/secret-scanning", [{"token": "lvq_live_found-in-the-open"}], content_type="application/json")
    rows = written(organization)
    assert [row.category for row in rows] == ["secrets", "workflows", "secret-scanning"]
    assert [row.body for row in rows] == ["", "", ""]


def test_calls_of_nobody_are_not_kept(organization):
    Client().get("/api/v1/me")
    Client(headers={"X-API-Key": "lvq_live_nonsense"}).get("/api/v1/me")
    assert written(organization) == []


def test_refusals_are_kept(program, organization, owner):
    program.post("/api/key/new", {"name": "More"}, content_type="application/json")
    assert [row.status for row in written(organization)] == [403]


def test_of_too_many_the_oldest_go(program, organization, monkeypatch):
    monkeypatch.setattr(request_log, "_waiting", type(request_log._waiting)(maxlen=2))
    for path in ("/api/v1/ping", "/api/v1/me", "/api/v1/runs"):
        program.get(path)
    assert [row.path for row in written(organization)] == ["/api/v1/me", "/api/v1/runs"]


def test_an_organization_that_is_gone_stops_nobody(program, organization, outsider):
    program.get("/api/v1/ping")
    entry = {**request_log._waiting[0], "organization_id": "f" * 32}
    request_log._waiting.append(entry)
    assert [row.path for row in written(organization)] == ["/api/v1/ping"]


def test_redis_carries_it_to_a_worker(program, organization):
    if redis_client() is None:
        pytest.skip("there is no Redis")
    program.get("/api/v1/ping")
    request_log.flush()
    assert not ApiRequest.objects.for_organization(organization).exists()
    assert request_log.store_waiting() == 1
