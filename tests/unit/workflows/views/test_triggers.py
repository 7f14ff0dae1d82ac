"""Triggers: switched, and webhook secrets shown to few and on record."""

import html
import re
import subprocess
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from standardwebhooks.webhooks import Webhook

from apps.accounts.models import Organization, User
from apps.audit.selectors import entries_for
from apps.workflows.models import Run, Trigger, Workflow
from apps.workflows.services.triggers import receive_webhook
from tests.common.roles import client_of
from tests.common.workflows import ASKING, make_run, make_workflow

pytestmark = pytest.mark.django_db


@pytest.fixture
def workflow(organization: Organization, owner: User) -> Workflow:
    return make_workflow(organization, owner, ASKING)


@pytest.fixture
def webhook(workflow: Workflow) -> Trigger:
    return workflow.triggers.get(kind="webhook")


@pytest.fixture
def browser(developer: User, organization: Organization) -> Client:
    return client_of(developer, organization)


def codes(organization: Organization) -> list[str]:
    return [entry.code for entry in entries_for(organization.pk)]


def test_the_secret_is_only_there_when_it_is_revealed(
    browser: Client, webhook: Trigger, viewer: User, organization: Organization
) -> None:
    page = browser.get("/workflows/asking/triggers").content.decode()
    assert f"/hooks/{webhook.public_id}" in page
    assert webhook.signing_secret not in page
    shown = browser.post(f"/workflows/asking/triggers/{webhook.public_id}/reveal")
    assert webhook.signing_secret in html.unescape(shown.content.decode())
    assert "no-store" in shown["Cache-Control"]
    assert "workflows.webhook_secret_shown" in codes(organization)
    looking = client_of(viewer, organization)
    assert looking.post(f"/workflows/asking/triggers/{webhook.public_id}/reveal").status_code == 403
    assert "reveal" not in looking.get("/workflows/asking/triggers").content.decode()


def test_replacing_the_secret(browser: Client, webhook: Trigger, organization: Organization) -> None:
    old = webhook.signing_secret
    page = browser.post(f"/workflows/asking/triggers/{webhook.public_id}/rotate").content.decode()
    webhook.refresh_from_db()
    assert webhook.signing_secret != old
    assert webhook.signing_secret in html.unescape(page)
    assert "workflows.webhook_secret_rotated" in codes(organization)


def test_only_webhooks_have_a_secret(browser: Client, workflow: Workflow) -> None:
    schedule = workflow.triggers.get(kind="cron")
    assert browser.post(f"/workflows/asking/triggers/{schedule.public_id}/reveal").status_code == 404


def test_switching_one_trigger_and_all(browser: Client, workflow: Workflow, webhook: Trigger) -> None:
    address = f"/workflows/asking/triggers/{webhook.public_id}/switch"
    browser.post(address)
    webhook.refresh_from_db()
    assert not webhook.enabled
    browser.post(address, {"enabled": "on"})
    webhook.refresh_from_db()
    assert webhook.enabled
    browser.post("/workflows/asking/triggers/switch")
    workflow.refresh_from_db()
    assert not workflow.enabled
    assert "Triggers are paused." in browser.get("/workflows/asking").content.decode()


def test_the_next_slot_is_told_in_the_organizations_zone(
    browser: Client, workflow: Workflow, organization: Organization
) -> None:
    organization.timezone = "Asia/Tokyo"
    organization.save()
    page = browser.get("/workflows/asking/triggers").content.decode()
    assert re.search(r"1[78]:00:00 \+0900", page), "9 in London is 17 or 18 in Tokyo"


def test_the_printed_command_signs_as_the_webhook_expects(
    browser: Client, webhook: Trigger, organization: Organization, client: Client
) -> None:
    """The shell lines of the page, run with curl replaced by an echo, make a call that is let in."""
    page = html.unescape(browser.post(f"/workflows/asking/triggers/{webhook.public_id}/reveal").content.decode())
    found = re.search(r"SECRET='whsec_.*?--data \"\$BODY\"", page, re.DOTALL)
    assert found is not None
    script = 'curl() { for part in "$@"; do echo "$part"; done; }\n' + found[0]
    lines = subprocess.run(["/bin/bash", "-c", script], capture_output=True, text=True, check=True).stdout.splitlines()
    headers = dict(line.split(": ", 1) for line in lines if line.startswith("webhook-"))
    assert set(headers) == {"webhook-id", "webhook-timestamp", "webhook-signature"}
    address = f"/hooks/{webhook.public_id}"
    sent = client.post(address, lines[-1], content_type="application/json", headers=headers)
    assert sent.status_code in {200, 201, 202}, sent.content
    wrong = client.post(address, lines[-1] + " ", content_type="application/json", headers=headers)
    assert wrong.status_code == 400


def started_by(trigger: Trigger) -> Run:
    run = make_run(trigger.workflow)
    Trigger.objects.unscoped().filter(pk=trigger.pk).update(last_run=run, last_outcome=f"started {run.public_id}; more")
    return run


def test_the_last_run_is_a_link_for_schedules_and_webhooks(browser: Client, workflow: Workflow) -> None:
    runs = [started_by(trigger) for trigger in workflow.triggers.all()]
    page = browser.get("/workflows/asking/triggers").content.decode()
    for run in runs:
        assert f'started <a href="/runs/{run.public_id}">{run.public_id}</a>; more' in page
        assert browser.get(f"/runs/{run.public_id}").status_code == 200


def test_an_outcome_that_names_no_run_has_a_link_beside_it(browser: Client, workflow: Workflow) -> None:
    trigger = workflow.triggers.get(kind="cron")
    run = started_by(trigger)
    Trigger.objects.unscoped().filter(pk=trigger.pk).update(last_outcome="skipped", waiting=["a", "b", "c"])
    page = browser.get("/workflows/asking/triggers").content.decode()
    assert f'skipped · <a class="nowrap" href="/runs/{run.public_id}">see the last run</a>' in page
    assert re.search(r"Slots that wait</dt><dd>3<", page)
    run.delete()
    page = browser.get("/workflows/asking/triggers").content.decode()
    assert "see the last run</a>" not in page
    assert "skipped" in page


def test_a_signed_call_leaves_its_run_at_the_trigger(webhook: Trigger) -> None:
    moment = datetime.now(UTC)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(webhook.signing_secret).sign("msg_1", moment, "{}"),
    }
    run = receive_webhook(webhook, b"{}", headers)
    webhook.refresh_from_db()
    assert (webhook.last_run, webhook.last_outcome) == (run, f"started {run.public_id}")


def test_a_dedupe_that_trips_over_the_body_is_told(organization: Organization, owner: User, client: Client) -> None:
    source = ASKING.replace("type: webhook", 'type: webhook, dedupe: "body.x[::0]"')
    webhook = make_workflow(organization, owner, source).triggers.get(kind="webhook")
    moment, body = datetime.now(UTC), '{"x": [1, 2]}'
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(webhook.signing_secret).sign("msg_1", moment, body),
    }
    answer = client.post(f"/hooks/{webhook.public_id}", body, content_type="application/json", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "dedupe_failed")


def test_more_triggers_cost_no_more_queries(
    browser: Client, workflow: Workflow, django_assert_num_queries: Any
) -> None:
    browser.get("/workflows/asking/triggers")
    with CaptureQueriesContext(connection) as few:
        browser.get("/workflows/asking/triggers")
    for number in range(5):
        copy = Trigger.objects.create(
            organization_id=workflow.organization_id, workflow=workflow, name=f"t{number}", kind="webhook"
        )
        started_by(copy)
    with django_assert_num_queries(len(few)):
        browser.get("/workflows/asking/triggers")
