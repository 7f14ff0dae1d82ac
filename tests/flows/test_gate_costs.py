"""What a call through the gate costs, and what it takes."""

import json

import pytest
from django.http import HttpResponse

from apps.accounts.services import api_keys
from apps.usage.api import PingView
from apps.usage.limits import set_limits
from apps.usage.selectors import standing
from tests.common.gate_calls import PING, billed, issue, refusal, with_key
from tests.common.gates import client as redis_or_skip
from tests.common.gates import events, forget_strikes, redis_away
from tests.common.roles import JsonClient, api_client_of, client_of, make_member
from tests.common.workflows import make_workflow

pytestmark = pytest.mark.django_db


@pytest.fixture
def issued(owner, organization):
    return issue(owner, organization)


@pytest.fixture
def program(issued):
    return with_key(issued.secret)


# What it costs ------------------------------------------------------------------------------------------------------
@pytest.fixture
def broken(monkeypatch):
    def fail(*_arguments):
        raise ZeroDivisionError

    monkeypatch.setattr(PingView, "get", fail)


def test_our_faults_cost_nothing(program, organization, broken):
    program.raise_request_exception = False
    answer = program.get(PING)
    assert answer.status_code == 500
    assert answer["Content-Type"] == "application/problem+json"
    assert standing(organization).used == billed(organization) == 0
    assert sorted(event.value for event in events(organization)) == [-1, 1]


def test_what_is_unavailable_costs_nothing(program, organization, monkeypatch):
    monkeypatch.setattr(PingView, "get", lambda *_arguments: HttpResponse(status=503))
    monkeypatch.setattr(PingView, "is_lean", False)
    assert program.get(PING).status_code == 503
    assert billed(organization) == 0


def test_what_is_answered_costs_a_call_also_where_it_is_refused(program, organization):
    assert program.get("/api/v1/runs/run_nonsense").status_code == 404
    assert program.post("/api/v1/workflows", {}).status_code == 422
    assert program.get("/api/v1/nowhere").status_code == 404
    assert standing(organization).by_category == {"runs": 1, "unknown": 1, "workflows": 1}
    assert billed(organization) == 3


def test_a_repetition_costs_nothing(owner, organization, program):
    workflow = make_workflow(organization, owner)
    headers = {"Idempotency-Key": "one"}
    address, body = f"/api/v1/workflows/{workflow.slug}/runs", {"inputs": {"who": "Ada"}}
    first, second = (program.post(address, body, headers=headers) for _time in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert second["Idempotent-Replayed"] == "true"
    assert program.post(address, {"inputs": {"who": "Bob"}}, headers=headers).status_code == 422
    assert billed(organization) == 2


def test_a_repetition_by_a_session_costs_nothing(owner, organization):
    workflow = make_workflow(organization, owner)
    browser = client_of(owner, organization)
    for _time in range(2):
        answer = browser.post(
            f"/api/v1/workflows/{workflow.slug}/runs",
            json.dumps({"inputs": {"who": "Ada"}}),
            content_type="application/json",
            headers={"Idempotency-Key": "one"},
        )
        assert answer.status_code == 201
    assert billed(organization) == 1


def test_free_addresses_are_limited_and_cost_nothing(program, organization):
    set_limits(organization, "sandbox", calls=1, per_minute=3)
    assert program.get(PING).status_code == 200
    for address in ("/api/usage", "/api/v1/usage"):
        answer = program.get(address)
        assert (answer.status_code, answer.json()["calls_used"]) == (200, 1)
        assert '"month"' not in answer["RateLimit-Policy"]
    assert program.get("/api/v1/usage").status_code == 429
    assert JsonClient().get("/api/openapi.json").status_code == 200
    assert billed(organization) == 1


def test_watching_a_run_is_free(program, owner, organization):
    workflow = make_workflow(organization, owner)
    run = program.post(f"/api/v1/workflows/{workflow.slug}/runs", {"inputs": {"who": "Ada"}}).json()["id"]
    assert program.get(f"/api/v1/runs/{run}/events").status_code == 200
    assert program.get(f"/api/v1/runs/{run}").status_code == 200
    assert billed(organization) == 2


def test_other_methods(program, organization):
    head, options = program.head(PING), program.options(PING)
    assert (head.status_code, head.content, options.status_code) == (200, b"", 200)
    wrong = program.delete(PING)
    assert (wrong.status_code, refusal(wrong)["code"]) == (405, "method_not_allowed")
    assert "GET" in wrong["Allow"]
    assert billed(organization) == 3


def test_an_oversized_body(program, organization, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    answer = program.post("/api/v1/workflows", {"source": "x" * 1000})
    assert (answer.status_code, refusal(answer)["code"]) == (413, "body_too_large")


def test_sessions_pay_as_everybody(owner, organization):
    browser = client_of(owner, organization)
    assert browser.get(PING)["RateLimit-Policy"].startswith('"minute"')
    assert browser.get("/").status_code in (200, 302)
    set_limits(organization, "sandbox", calls=1)
    answer = browser.get(PING)
    assert (answer.status_code, refusal(answer)["code"]) == (429, "quota_exceeded")
    assert billed(organization) == 1


def test_a_made_up_session_is_nobody(settings, realm):
    settings.API_ANONYMOUS_CALLS_PER_MINUTE = 1
    browser = JsonClient(REMOTE_ADDR="203.0.113.9")
    browser.cookies[settings.SESSION_COOKIE_NAME] = "made-up"
    assert [browser.get(PING).status_code for _time in range(2)] == [401, 429]


def test_each_way_in_has_its_own_minute(owner, organization, program):
    set_limits(organization, "sandbox", per_minute=2)
    token = api_client_of(owner, organization)
    assert [one.get(PING).status_code for one in (program, token, program, token, program, token)] == [
        200, 200, 200, 200, 429, 429,
    ]  # fmt: skip
    assert api_client_of(make_member(organization, "viewer"), organization).get(PING).status_code == 200


# What it takes ------------------------------------------------------------------------------------------------------
def test_a_warm_call_is_no_query_and_one_command(program, monkeypatch, django_assert_num_queries):
    redis = redis_or_skip()
    forget_strikes()
    program.get(PING)
    kind = redis.connection_pool.connection_class
    sent, send = [], kind.send_packed_command
    monkeypatch.setattr(
        kind, "send_packed_command", lambda link, words, **named: sent.append(words) or send(link, words, **named)
    )
    with django_assert_num_queries(0):
        assert program.get(PING).status_code == 200
    assert len(sent) == 1, "one round trip"
    assert b"".join(sent[0]).split(b"\r\n")[2] == b"EVALSHA"


def test_with_redis_away_calls_pass_under_the_same_limits(program, organization):
    assert program.get(PING).status_code == 200
    set_limits(organization, "sandbox", per_minute=2)
    with redis_away():
        answers = [program.get(PING).status_code for _time in range(4)]
    assert answers in ([200, 200, 429, 429], [200, 429, 429, 429]), "a bucket of its own, unless it was the database's"


def test_a_revoked_key_is_refused_with_redis_away_and_after_it(program, issued):
    forget_strikes()
    for _time in range(2):
        program.get(PING)
    with redis_away():
        api_keys.revoke_key(issued.key)
        assert program.get(PING).status_code == 401
    assert program.get(PING).status_code == 401
