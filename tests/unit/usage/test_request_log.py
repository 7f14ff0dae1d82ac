"""The log of API requests: noted without waiting, written later, forgotten after a while, and without secrets."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import InterfaceError, OperationalError
from django.test import Client

from apps.accounts.services import api_keys
from apps.accounts.services.api_keys import Terms
from apps.usage import request_log, request_store
from apps.usage.limits import set_limits
from apps.usage.models import ApiRequest
from tests.common.roles import actor_of, client_of

pytestmark = pytest.mark.django_db
KEY = "lvq_live_66yUwKfSJ6UiYdp8sUxbh04HDmgl"  # of nobody


@pytest.fixture(autouse=True)
def _nothing_waits():
    request_log._waiting.clear()
    request_log._refusals = request_log._Refusals()
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
    request_store.store_waiting()
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


def test_of_calls_beyond_a_limit_one_a_minute_is_kept(program, issued, organization, owner):
    set_limits(organization, "sandbox", per_minute=1)
    other = client_of(owner, organization)
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        for client in (program, other):
            assert [client.get("/api/v1/me").status_code for _call in range(3)] == [200, 429, 429]
        kept = [(row.status, row.key_id == issued.key.pk) for row in written(organization)]
        assert kept == [(200, True), (429, True), (200, False), (429, False)]
        clock.shift(timedelta(minutes=1))
        assert [program.get("/api/v1/me").status_code for _call in range(3)][1:] == [429, 429]
    assert [row.status for row in written(organization)[4:]].count(429) == 1


def test_what_is_left_out_of_what_was_sent(program, organization, owner):
    json = {"content_type": "application/json"}
    program.put("/api/v1/secrets/TOKEN", {"value": "hunter2"}, **json)
    program.post("/api/v1/workflows/validate", {"source": "x" * request_log.LONGEST_BODY}, **json)
    program.post("/api/v1/nowhere", {"nobody": "reads this"}, **json)
    program.post("/api/v1/workflows/validate", b'{"source": "\xff"}', **json)
    program.post("/api/v1/workflows/validate", {"source": "name: x"}, **json)
    program.generic("POST", "/api/v1/workflows/validate", **json)
    program.generic("GET", "/api/v1/ping", b'{"read": "by nobody"}', **json)
    assert [row.left_out for row in written(organization)] == ["secret", "long", "unread", "unread", "", "", ""]


@pytest.mark.parametrize(
    ("asked", "kept", "left_out"),
    [
        ("/api/v1/runs?state=failed&limit=5", "/api/v1/runs?state=failed&limit=5", ""),
        ("/api/v1/runs/a%3Fb%23c%20d%2525/é", "/api/v1/runs/a%3Fb%23c%20d%2525/%C3%A9", ""),
        ("/api/v1/runs/" + "x" * 600, ("/api/v1/runs/" + "x" * 600)[:500], "address"),
        ("/api/v1/runs/../me", "/api/v1/runs/../me", "address"),
        ("/api/v1/runs/%2e%2e", "/api/v1/runs/..", "address"),
        ("/api/v1/runs?q=\xe9", "/api/v1/runs?q=\xc3\xa9", "address"),
        ("/api/v1/me?token=hunter2&limit=5", "/api/v1/me?token=[removed]&limit=5", "masked"),
        ("/api/v1/me?X-Api-Key=hunter2", "/api/v1/me?X-Api-Key=[removed]", "masked"),
        ("/api/v1/me?access%5Ftoken=hunter2", "/api/v1/me?access%5Ftoken=[removed]", "masked"),
        ("/api/v1/me?token", "/api/v1/me?token", ""),
        (f"/api/v1/me?key={KEY}", "/api/v1/me?key=[removed]", "masked"),
        (f"/api/v1/keys/{KEY}/revoke", "/api/v1/keys/[removed]/revoke", "masked"),
    ],
)
def test_the_address_is_kept_as_it_is_sent_again_and_without_secrets(asked, kept, left_out, program, organization):
    program.get(asked)
    row = written(organization)[0]
    assert (row.path, row.left_out) == (kept, left_out)


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_what_the_database_does_not_take_now_waits_in_memory(error, program, organization, monkeypatch):
    def away(_entries):
        raise error("away")

    for path in ("/api/v1/ping", "/api/v1/me", "/api/v1/runs"):
        program.get(path)
    monkeypatch.setattr(request_store, "push", lambda _batch: False)
    with monkeypatch.context() as context:
        context.setattr(request_store, "store", away)
        context.setattr(request_log, "WAITING_MOST", 2)
        with pytest.raises(error):
            request_log.flush()
    program.get("/api/v1/usage")
    assert [row.path for row in written(organization)] == ["/api/v1/me", "/api/v1/runs", "/api/v1/usage"]
