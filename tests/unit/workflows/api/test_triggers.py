"""A webhook's secret through the API: told once to whoever may edit, live and in the sandbox, where no page is."""

import json
from datetime import UTC, datetime

import pytest
from django.test import Client
from standardwebhooks.webhooks import Webhook

from apps.accounts.services import api_keys
from apps.accounts.services.api_keys import Terms
from apps.audit.selectors import entries_for
from apps.core.models import IdempotentRequest
from apps.workflows.engine.worker import work
from apps.workflows.models import Run, Trigger
from tests.common.roles import JsonClient, actor_of, api_client_of, make_member

pytestmark = pytest.mark.django_db

SOURCE = """
name: Hooked
triggers:
  - {name: orders, type: webhook, dedupe: body.id}
  - {name: daily, type: cron, cron: '0 9 * * *'}
steps: [{id: t, type: transform, with: {expression: trigger.body.id}}]
output: "{{ steps.t.output }}"
"""
PLACES = {"live": "/api/v1", "test": "/api/sandbox/v1"}


@pytest.fixture
def program(owner, organization):
    """Makes a client with a key for an environment."""

    def make(environment, scopes=None):
        terms = Terms("Program", scopes)
        secret = api_keys.create_key(actor_of(owner, organization), organization, environment, terms).secret
        return JsonClient(headers={"X-API-Key": secret})

    return make


def hooked(client, base):
    """The addresses under which the secrets of its two triggers are renewed: the webhook's, the schedule's."""
    made = client.post(f"{base}/workflows", {"source": SOURCE}).json()
    return [f"{base}/workflows/hooked/triggers/{trigger['id']}/secret" for trigger in made["triggers"]]


def send(told, secret=None):
    """A signed call of the webhook."""
    body, moment = json.dumps({"id": 7}), datetime.now(UTC)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret or told["secret"]).sign("msg_1", moment, body),
    }
    path = told["url"][told["url"].index("/hooks/") :]
    return Client().post(path, body, content_type="application/json", headers=headers)


@pytest.mark.parametrize("environment", PLACES)
def test_it_is_renewed_told_once_and_signs(program, environment):
    client, base = program(environment), PLACES[environment]
    address, _schedule = hooked(client, base)
    first, second = (client.post(address) for _time in range(2))
    assert (first.status_code, second.status_code, second["Cache-Control"]) == (201, 201, "no-store")
    told = second.json()
    assert told["secret"].startswith("whsec_")
    assert send(told, first.json()["secret"]).status_code == 400
    answer = send(told)
    assert answer.status_code == 202
    work()
    run = client.get(f"{base}/runs/{answer.json()['run_id']}").json()
    assert (run["state"], run["output"], run["livemode"]) == ("succeeded", 7, environment == "live")
    assert told["secret"] not in client.get(f"{base}/workflows/hooked").content.decode()


def test_it_is_on_record_and_in_no_kept_answer(program, organization):
    client = program("test")
    address, _schedule = hooked(client, PLACES["test"])
    client.post(address, headers={"Idempotency-Key": "one"})
    assert not IdempotentRequest.objects.exists()
    entry = entries_for(organization.twin.pk).get(code="workflows.webhook_secret_rotated")
    assert entry.data == {"trigger": "orders"}
    assert not entries_for(organization.pk).filter(code="workflows.webhook_secret_rotated").exists()


def test_who_may_not_edit_renews_nothing(program, organization, owner):
    address, _schedule = hooked(api_client_of(owner, organization), PLACES["live"])
    before = Trigger.objects.for_organization(organization).get(kind="webhook").signing_secret
    looking = api_client_of(make_member(organization, "viewer"), organization)
    for client in (looking, program("live", ["workflows:view", "runs:start"])):
        assert client.post(address).status_code == 403
    assert Trigger.objects.for_organization(organization).get(kind="webhook").signing_secret == before


def test_what_is_no_webhook_here_is_not_there(program, outsider):
    client, base = program("live"), PLACES["live"]
    address, schedule = hooked(client, base)
    for wrong in (schedule, address.replace("trg_", "wf_"), address.replace("hooked", "other")):
        assert client.post(wrong).status_code == 404, wrong
    assert api_client_of(outsider).post(address).status_code == 404
    assert program("test").post(address.replace(base, PLACES["test"])).status_code == 404
    assert client.get(address).status_code == 405
    assert not Run.objects.unscoped().filter(workflow__slug="hooked").exists()


def test_schedules_of_the_sandbox_have_no_next_slot(program):
    for environment, base in PLACES.items():
        client = program(environment)
        hooked(client, base)
        _webhook, schedule = client.get(f"{base}/workflows/hooked").json()["triggers"]
        assert (schedule["next_slot"] is None) == (environment == "test")
