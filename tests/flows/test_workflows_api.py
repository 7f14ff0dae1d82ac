"""Workflows through the public API, as a program uses it."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from apps.accounts.services import api_keys
from apps.accounts.services.api_keys import Terms
from apps.core import idempotency
from apps.core.clock import now
from apps.core.models import IdempotentRequest
from apps.workflows.engine.worker import work
from apps.workflows.models import Run
from tests.common.roles import JsonClient, actor_of, api_client_of, make_member

pytestmark = pytest.mark.django_db

SOURCE = """
name: Greeting
inputs: {type: object, properties: {who: {type: string, maxLength: 20}}, required: [who]}
steps: [{id: say, type: transform, with: {value: "Hello {{ inputs.who }}"}}]
output: "{{ steps.say.output }}"
"""


@pytest.fixture
def api(developer, organization):
    return api_client_of(developer, organization)


def create(api, source=SOURCE, **more):
    response = api.post("/api/v1/workflows", {"source": source, **more}, format="json")
    assert response.status_code == 201, response.json()
    return response.json()


def test_from_definition_to_result(api):
    workflow = create(api)
    assert (workflow["slug"], workflow["version"], workflow["triggers"]) == ("greeting", 1, [])
    run = api.post("/api/v1/workflows/greeting/runs", {"inputs": {"who": "Ada"}}, format="json")
    assert (run.status_code, run.json()["state"], run.json()["trigger"]) == (201, "queued", "api")
    work()
    address = f"/api/v1/runs/{run.json()['id']}"
    done = api.get(address).json()
    assert (done["state"], done["output"], done["error"]) == ("succeeded", "Hello Ada", None)
    Run.objects.unscoped().update(trigger_data={"body": {"lead": 7}})
    assert api.get(address).json()["trigger_data"] == {"body": {"lead": 7}}
    [listed] = api.get(f"{address}/steps").json()["data"]
    assert (listed["path"], listed["state"]) == ("say", "succeeded")
    assert api.get(f"{address}/steps/{listed['id']}").json()["output"] == "Hello Ada"
    events = api.get(f"{address}/events", {"after": 0, "wait": 5}).json()
    assert [event["type"] for event in events["events"]] == ["step", "run"]
    assert events["finished"]
    again = api.get(f"{address}/events", {"after": events["revision"]}).json()
    assert (again["events"], again["finished"]) == ([], True)


def test_versions_are_kept_and_the_same_text_makes_no_new_one(api):
    create(api)
    second = SOURCE.replace("Hello", "Good day")
    published = api.post("/api/v1/workflows/greeting/versions", {"source": second, "message": "politer"}, format="json")
    assert (published.status_code, published.json()["number"], published.json()["created"]) == (201, 2, True)
    same = api.post("/api/v1/workflows/greeting/versions", {"source": second}, format="json")
    assert (same.status_code, same.json()["number"], same.json()["created"]) == (200, 2, False)
    run = api.post("/api/v1/workflows/greeting/runs", {"inputs": {"who": "Ada"}, "version": 1}, format="json").json()
    work()
    assert api.get(f"/api/v1/runs/{run['id']}").json()["output"] == "Hello Ada"
    assert api.get("/api/v1/workflows/greeting/versions/1").json()["source"] == SOURCE


def test_a_version_is_not_published_over_one_that_was_not_seen(api):
    create(api)
    address = "/api/v1/workflows/greeting/versions"
    theirs, mine = ({"source": SOURCE.replace("Hello", words), "base": 1} for words in ("Good day", "Hey"))
    assert api.post(address, theirs, format="json").status_code == 201
    refused = api.post(address, mine, format="json")
    told = refused.json()
    assert (refused.status_code, told["code"], told["newest"]) == (409, "version_overtaken", 2)
    assert api.post(address, mine | {"base": 2}, format="json").json()["number"] == 3


def test_every_refusal_is_a_problem_document(api):
    create(api)
    cases = [
        ("post", "/api/v1/workflows", {"source": "name: x"}, 422, "invalid_definition"),
        ("post", "/api/v1/workflows", {"source": SOURCE}, 409, "slug_taken"),
        ("post", "/api/v1/workflows", {"source": SOURCE, "slug": "Not A Slug"}, 422, "invalid_input"),
        ("post", "/api/v1/workflows", {"sauce": SOURCE}, 422, "invalid_input"),
        ("post", "/api/v1/workflows/greeting/runs", {"inputs": {}}, 422, "invalid_inputs"),
        ("post", "/api/v1/workflows/greeting/runs", {"inputs": {"who": "x" * 21}}, 422, "invalid_inputs"),
        ("post", "/api/v1/workflows/greeting/runs", {"inputs": {"who": "a\0"}}, 400, "malformed_json"),
        ("post", "/api/v1/workflows/greeting/runs", {"inputs": {"who": "x" * 300_000}}, 422, "inputs_too_large"),
        ("post", "/api/v1/workflows/greeting/runs", {"inputs": [], "priority": "x"}, 422, "invalid_input"),
        ("post", "/api/v1/workflows/greeting/runs", {"inputs": {"who": "x"}, "version": 9}, 404, "not_found"),
        ("get", "/api/v1/runs?state=odd", None, 422, "invalid_state"),
        ("get", "/api/v1/runs?limit=0", None, 422, "invalid_limit"),
        ("get", "/api/v1/runs?cursor=%25", None, 422, "invalid_cursor"),
        ("get", "/api/v1/runs/run_x", None, 404, "not_found"),
        ("patch", "/api/v1/runs", None, 405, "method_not_allowed"),
        ("get", "/api/v1/nowhere", None, 404, "not_found"),
    ]
    for method, address, body, status, code in cases:
        response = getattr(api, method)(address, body, format="json") if body else getattr(api, method)(address)
        assert (response.status_code, response.json()["code"]) == (status, code), (address, response.json())
        assert response["Content-Type"] == "application/problem+json"
        assert response.json()["request_id"] == response["X-Request-Id"]


def test_malformed_and_oversized_bodies(api):
    broken = api.post("/api/v1/workflows", b"{", content_type="application/json")
    assert (broken.status_code, broken.json()["code"]) == (400, "malformed_json")
    big = json.dumps({"source": "x" * 10_000_000})
    large = api.post("/api/v1/workflows", big, content_type="application/json")
    assert (large.status_code, large.json()["code"]) == (413, "body_too_large")
    deep = api.post("/api/v1/workflows", b"[" * 100_000, content_type="application/json")
    assert deep.status_code == 400
    form = api.post("/api/v1/workflows", "source=x", content_type="application/x-www-form-urlencoded")
    assert (form.status_code, form.json()["code"]) == (415, "unsupported_media_type")


def test_validation_names_the_place(api):
    response = api.post(
        "/api/v1/workflows/validate", {"source": "name: x\nsteps: [{id: a, type: magic}]"}, format="json"
    )
    assert response.json()["valid"] is False
    assert response.json()["errors"][0]["line"] == 2
    good = api.post("/api/v1/workflows/validate", {"source": SOURCE}, format="json").json()
    assert (good["valid"], good["errors"], good["definition"]["name"]) == (True, [], "Greeting")


def test_an_idempotency_key_starts_one_run(api):
    create(api)
    address, body = "/api/v1/workflows/greeting/runs", {"inputs": {"who": "Ada"}}
    first = api.post(address, body, format="json", HTTP_IDEMPOTENCY_KEY="k1")
    second = api.post(address, body, format="json", HTTP_IDEMPOTENCY_KEY="k1")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]
    assert second["Idempotent-Replayed"] == "true"
    other = api.post(address, {"inputs": {"who": "Bob"}}, format="json", HTTP_IDEMPOTENCY_KEY="k1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert Run.objects.unscoped().count() == 1


def test_a_day_later_the_key_stands_for_a_new_request(api):
    create(api)
    address, ids = "/api/v1/workflows/greeting/runs", set()
    for who in ("Ada", "Bob", "Bob"):
        answer = api.post(address, {"inputs": {"who": who}}, format="json", HTTP_IDEMPOTENCY_KEY="daily")
        assert (answer.status_code, answer.json()["inputs"]) == (201, {"who": who})
        ids.add(answer.json()["id"])
        IdempotentRequest.objects.update(created_at=now() - timedelta(hours=24, seconds=1))
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("address", "body"),
    [
        ("/workflows/greeting/runs", {"inputs": {"who": "Ada"}}),
        ("/workflows", {"source": SOURCE, "slug": "other"}),
        ("/workflows/greeting/versions", {"source": SOURCE.replace("Hello", "Good day")}),
    ],
)
def test_a_process_that_dies_before_its_answer_is_kept_leaves_nothing_behind(api, address, body, monkeypatch):
    create(api)

    def ask():
        return api.post(f"/api/v1{address}", body, format="json", HTTP_IDEMPOTENCY_KEY="k")

    def dies(_row):
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(idempotency, "_held", dies)
        with pytest.raises(SystemExit):
            ask()
    assert ask().json()["code"] == "idempotency_key_in_use"
    IdempotentRequest.objects.update(lease_until=now())
    first, again = ask(), ask()
    assert (first.status_code, first.json().get("created", True)) == (201, True)
    assert (again.status_code, again.json(), again["Idempotent-Replayed"]) == (201, first.json(), "true")
    assert Run.objects.unscoped().count() <= 1


def test_a_refused_request_frees_its_key(api):
    create(api)
    address = "/api/v1/workflows/greeting/runs"
    wrong = api.post(address, {"inputs": {}}, format="json", HTTP_IDEMPOTENCY_KEY="k2")
    right = api.post(address, {"inputs": {"who": "Ada"}}, format="json", HTTP_IDEMPOTENCY_KEY="k2")
    assert (wrong.status_code, right.status_code) == (422, 201)


def test_lists_page_by_cursor_without_gaps(api, django_assert_num_queries):
    create(api)
    ids = []
    for number in range(7):
        run = api.post("/api/v1/workflows/greeting/runs", {"inputs": {"who": str(number)}}, format="json")
        ids.append(run.json()["id"])
    seen, cursor = [], None
    while True:
        page = api.get("/api/v1/runs", {"limit": 3, **({"cursor": cursor} if cursor else {})}).json()
        seen += [run["id"] for run in page["data"]]
        cursor = page["next_cursor"]
        assert page["has_more"] == (cursor is not None)
        if not cursor:
            break
    assert seen == ids[::-1]


def test_two_programs_of_one_person_number_their_requests_by_themselves(owner, organization):
    """Keys of the live organization come one after another here: one that is being replaced, and its successor."""
    create(api_client_of(owner, organization))
    actor = actor_of(owner, organization)
    first = api_keys.create_key(actor, organization, "live", Terms("Server"))
    second = api_keys.rotate_key(actor, first.key, timedelta(days=1))

    def ask(client):
        answer = client.post(
            "/api/v1/workflows/greeting/runs", {"inputs": {"who": "Ada"}}, headers={"Idempotency-Key": "1"}
        )
        assert answer.status_code == 201
        return answer.json()["id"], "Idempotent-Replayed" in answer

    programs = [JsonClient(headers={"X-API-Key": issued.secret}) for issued in (first, second)]
    clients = [*programs, api_client_of(owner, organization)]
    runs = [ask(client) for client in clients]
    assert len({run for run, _replayed in runs}) == 3
    assert [ask(client) for client in clients] == [(run, True) for run, _replayed in runs]


def test_cancel_and_cancel_again(api):
    create(api)
    run = api.post("/api/v1/workflows/greeting/runs", {"inputs": {"who": "Ada"}}, format="json").json()
    cancelled = api.post(f"/api/v1/runs/{run['id']}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    again = api.post(f"/api/v1/runs/{run['id']}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "run_finished")


def test_an_approval_takes_the_right_role_once(api, owner, organization):
    create(
        api,
        "name: Ask\nsteps: [{id: ok, type: approval, with: {message: 'go?', roles: [owner]}}]\n"
        "output: '{{ steps.ok.output }}'",
    )
    run = api.post("/api/v1/workflows/ask/runs", {}, format="json").json()
    work()
    step = api.get(f"/api/v1/runs/{run['id']}/steps").json()["data"][0]
    assert (step["state"], step["waiting_for"]) == ("waiting", "approval")
    assert step["approval"] == {"message": "go?", "roles": ["owner"]}
    address = f"/api/v1/runs/{run['id']}/steps/{step['id']}/approve"
    refused = api.post(address, {"decision": "approve"}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (403, "wrong_role")
    boss = api_client_of(owner, organization)
    assert boss.post(address, {"decision": "approve", "comment": "fine"}, format="json").status_code == 200
    twice = boss.post(address, {"decision": "reject"}, format="json")
    assert (twice.status_code, twice.json()["code"]) == (409, "not_waiting_for_approval")
    work()
    done = api.get(f"/api/v1/runs/{run['id']}").json()
    assert (done["state"], done["output"]["approved"], done["output"]["by"]) == ("succeeded", True, owner.email)


def test_secrets_go_in_and_never_come_out(api):
    assert api.put("/api/v1/secrets/TOKEN", {"value": "hush-hush"}, format="json").status_code == 200
    listed = api.get("/api/v1/secrets")
    assert [secret["name"] for secret in listed.json()["data"]] == ["TOKEN"]
    assert "hush-hush" not in listed.content.decode()
    bad = api.put("/api/v1/secrets/not-a-name", {"value": "x"}, format="json")
    assert (bad.status_code, bad.json()["code"]) == (422, "invalid_secret_name")
    assert api.delete("/api/v1/secrets/TOKEN").status_code == 204
    assert api.delete("/api/v1/secrets/TOKEN").status_code == 404


@pytest.mark.parametrize(("role", "allowed"), [("viewer", False), ("billing", False), ("admin", True), ("owner", True)])
def test_roles_decide_who_builds(role, allowed, organization):
    member = api_client_of(make_member(organization, role), organization)
    response = member.post("/api/v1/workflows", {"source": SOURCE}, format="json")
    assert response.status_code == (201 if allowed else 403)
    assert member.get("/api/v1/workflows").status_code == 200
    assert member.get("/api/v1/secrets").status_code == (200 if allowed else 403)


def test_an_expired_token_is_refused(api):
    with time_machine.travel(now().replace(year=now().year + 1)):
        response = api.get("/api/v1/workflows")
    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert response["Content-Type"] == "application/problem+json"


def test_archive_hides_and_restore_brings_back(api):
    create(api)
    assert api.delete("/api/v1/workflows/greeting").status_code == 204
    assert api.get("/api/v1/workflows").json()["data"] == []
    assert [row["slug"] for row in api.get("/api/v1/workflows?archived=true").json()["data"]] == ["greeting"]
    refused = api.post("/api/v1/workflows/greeting/runs", {"inputs": {"who": "Ada"}}, format="json")
    assert refused.status_code == 404
    assert api.patch("/api/v1/workflows/greeting", {"archived": False}, format="json").json()["archived_at"] is None


def test_the_schema_is_published_and_open():
    document = Client().get("/api/v1/schemas/workflow").json()
    assert document["title"] == "Levqor workflow"
    assert Client().get("/api/openapi.json").json()["openapi"].startswith("3.1")
