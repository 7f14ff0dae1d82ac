"""The sandbox through HTTP: the same views on a twin, from which nothing reaches the world or the live organization."""

import pytest
from django.test import Client

from apps.accounts.services import api_keys, tokens
from apps.accounts.services.api_keys import Terms
from apps.core.events import deliver_due
from apps.integrations.models import MailMessage
from apps.usage.models import UsageTotal
from apps.usage.services.draining import drain
from apps.workflows.engine.worker import work
from apps.workflows.models import StepRun, Workflow
from tests.common.roles import actor_of, api_client_of

pytestmark = pytest.mark.django_db
SOURCE = """
name: Both ways out
steps:
  - {id: call, type: http, with: {method: POST, url: "https://shop.example/orders", expect: [201]}}
  - {id: told, type: http, with: {url: "https://shop.example/orders/1"}, mock: {status: 200, body: {state: paid}}}
  - {id: mail, type: email, with: {to: somebody@example.com, subject: Paid, text: "{{ steps.told.output.body.state }}"}}
"""


def key_of(owner, organization, environment):
    return api_keys.create_key(actor_of(owner, organization), organization, environment, Terms("Program")).secret


@pytest.fixture
def program(owner, organization):
    return Client(headers={"X-API-Key": key_of(owner, organization, "test")})


def test_the_same_answers_from_a_twin(program, organization):
    told = program.get("/api/sandbox/v1/me").json()
    assert told["organization"] == {
        "id": organization.twin.public_id,
        "name": organization.name,
        "slug": organization.twin.slug,
        "livemode": False,
        "timezone": "UTC",
    }
    assert {row["slug"] for row in program.get("/api/sandbox/v1/workflows").json()["data"]} == {
        "order-digest",
        "refund-approval",
    }
    assert [row["livemode"] for row in program.get("/api/sandbox/v1/runs").json()["data"]] == [False, False]


def test_the_seeded_runs_end_as_they_should(program, organization):
    work()
    states = {row["workflow"]["slug"]: row["state"] for row in program.get("/api/sandbox/v1/runs").json()["data"]}
    assert states == {"order-digest": "succeeded", "refund-approval": "waiting"}


def test_nothing_of_it_reaches_the_world(program, organization):
    made = program.post(
        "/api/sandbox/v1/workflows", {"source": SOURCE, "slug": "both"}, content_type="application/json"
    )
    assert made.status_code == 201, made.content
    run = program.post("/api/sandbox/v1/workflows/both/runs", {}, content_type="application/json").json()
    work()
    deliver_due()
    assert program.get(f"/api/sandbox/v1/runs/{run['id']}").json()["state"] == "succeeded"
    rows = StepRun.objects.for_organization(organization.twin).filter(run__workflow__slug="both")
    steps = {row.path: row.output for row in rows}
    assert steps["call"]["status"] == 201
    assert steps["call"]["body"] == {"mock": True, "method": "POST", "url": "https://shop.example/orders"}
    assert steps["told"] == {"status": 200, "body": {"state": "paid"}}
    assert steps["mail"] == {"to": ["somebody@example.com"], "subject": "Paid"}
    assert not MailMessage.objects.exists()


def test_nothing_of_it_is_seen_live(program, owner, organization):
    program.post("/api/sandbox/v1/workflows", {"source": SOURCE, "slug": "both"}, content_type="application/json")
    program.put("/api/sandbox/v1/secrets/TOKEN", {"value": "abc"}, content_type="application/json")
    live = api_client_of(owner, organization)
    for path in ("workflows", "runs", "secrets"):
        assert live.get(f"/api/v1/{path}").json()["data"] == [], path
    assert live.get("/api/v1/workflows/both").status_code == 404
    assert not Workflow.objects.for_organization(organization).exists()


def test_live_and_sandbox_do_not_mix(program, owner, organization):
    live = Client(headers={"X-API-Key": key_of(owner, organization, "live")})
    for client, path in ((program, "/api/v1/me"), (live, "/api/sandbox/v1/me"), (program, "/api/usage")):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (403, "wrong_environment"), path
    assert api_client_of(owner, organization).get("/api/sandbox/v1/me").json()["code"] == "wrong_environment"


@pytest.mark.parametrize("path", ["/api/sandbox/v1/me", "/api/sandbox/v1/nowhere", "/api/sandbox/v1/auth/device"])
def test_strangers_see_nothing_of_it(db, path):
    answer = Client().get(path)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
    assert answer["WWW-Authenticate"]


@pytest.mark.parametrize("path", ["/api/sandbox/v1/auth/device", "/api/sandbox/key/new", "/api/sandbox/v1"])
def test_logging_in_is_not_tried_out_there(program, path):
    answer = program.post(path, {}, content_type="application/json")
    assert answer.status_code in (403, 404), answer.content


def test_a_hundred_calls_a_day(program, organization, time_machine):
    for _number in range(100):
        assert program.get("/api/sandbox/v1/ping").status_code == 200
    answer = program.get("/api/sandbox/v1/ping")
    assert answer.status_code == 429
    told = answer.json()
    assert (told["code"], told["violated-policies"], told["quota"]) == ("quota_exceeded", ["day"], 100)
    usage = program.get("/api/sandbox/v1/usage").json()
    assert (usage["calls_used"], usage["calls_remaining"], usage["quota"]) == (100, 0, 100)
    drain()
    assert not UsageTotal.objects.for_organization(organization).exists()


def test_a_token_from_the_documentation_will_do(owner, organization):
    client = Client(headers={"Authorization": f"Bearer {tokens.mint_sandbox_token(owner, organization)}"})
    assert client.get("/api/sandbox/v1/workflows").status_code == 200
    assert client.get("/api/v1/workflows").status_code == 403
    assert client.post("/api/key/new", {"name": "More"}, content_type="application/json").status_code == 403
