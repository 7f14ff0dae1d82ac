"""Webhooks: each message once, only when it is signed, at an address that stays."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from standardwebhooks.webhooks import Webhook

from apps.audit.models import AuditEntry
from apps.core.errors import NotFoundError
from apps.workflows.engine.worker import work
from apps.workflows.models import Run, Trigger
from apps.workflows.services.publishing import create_workflow, publish_version
from apps.workflows.services.trigger_settings import switch_trigger
from apps.workflows.services.triggers import rotate_signing_secret

pytestmark = pytest.mark.django_db


def test_a_new_version_keeps_a_webhooks_address_and_secret(organization):
    source = "name: W\ntriggers: [{name: hook, type: webhook}]\nsteps: [{id: t, type: transform, with: {value: 1}}]"
    workflow = create_workflow(organization, source, None).workflow
    before = Trigger.objects.unscoped().get()
    publish_version(workflow, source.replace("value: 1", "value: 2"), None)
    after = Trigger.objects.unscoped().get()
    assert (after.pk, after.signing_secret) == (before.pk, before.signing_secret)
    publish_version(workflow, "name: W\nsteps: [{id: t, type: transform, with: {value: 1}}]", None)
    assert not Trigger.objects.unscoped().exists()


HOOK = """
name: Hook
triggers: [{name: hook, type: webhook, dedupe: body.id}]
steps: [{id: t, type: transform, with: {expression: trigger.body.id}}]
output: "{{ steps.t.output }}"
"""


class Sender:
    """Signs and sends as Standard Webhooks asks."""

    def __init__(self, trigger):
        self.address, self.secret = f"/hooks/{trigger.public_id}", trigger.signing_secret

    def send(self, body, message="msg_1", at=None, secret=None, signed=None):
        at = at or datetime.now(UTC)
        text = json.dumps(body)
        signature = Webhook(secret or self.secret).sign(message, at, signed or text)
        headers = {
            "HTTP_WEBHOOK_ID": message,
            "HTTP_WEBHOOK_TIMESTAMP": str(int(at.timestamp())),
            "HTTP_WEBHOOK_SIGNATURE": signature,
        }
        return Client().post(self.address, text, content_type="application/json", **headers)


@pytest.fixture
def sender(organization):
    create_workflow(organization, HOOK, None)
    return Sender(Trigger.objects.unscoped().get())


def test_a_signed_call_starts_a_run_with_its_body(sender):
    response = sender.send({"id": 7})
    assert response.status_code == 202
    work()
    run = Run.objects.unscoped().get()
    assert (run.public_id, run.state, run.output) == (response.json()["run_id"], "succeeded", 7)


def test_repeated_and_declared_duplicates_start_one_run(sender):
    first = sender.send({"id": 7}).json()["run_id"]
    assert sender.send({"id": 7}).json()["run_id"] == first
    assert sender.send({"id": 7}, message="msg_2").json()["run_id"] == first
    assert sender.send({"id": 8}, message="msg_3").json()["run_id"] != first


@pytest.mark.parametrize(
    "forged",
    [
        {"secret": "whsec_" + "QUFB" * 8},
        {"signed": '{"id": 1}'},
        {"at": timedelta(minutes=-10)},
        {"at": timedelta(minutes=10)},
    ],
)
def test_forged_and_stale_calls_start_nothing(sender, forged):
    if "at" in forged:
        forged = {"at": datetime.now(UTC) + forged["at"]}
    response = sender.send({"id": 7}, **forged)
    assert (response.status_code, response.json()["code"]) == (400, "webhook_refused")
    assert not Run.objects.unscoped().exists()


def test_unsigned_unknown_and_oversized_calls_are_refused(sender):
    assert Client().post(sender.address, "{}", content_type="application/json").status_code == 400
    assert Client().post("/hooks/trg_nonsense", "{}", content_type="application/json").status_code == 404
    assert Client().get(sender.address).status_code == 405
    for length in ("many", "²", "9" * 5_000, "-1"):
        odd = Client().post(sender.address, "{}", content_type="application/json", CONTENT_LENGTH=length)
        assert odd.status_code == 413
    large = Client().post(sender.address, "x" * 1_100_000, content_type="application/json")
    assert large.status_code == 413


def test_a_rotated_secret_works_and_the_old_one_does_not(sender):
    old = sender.secret
    sender.secret = rotate_signing_secret(Trigger.objects.unscoped().select_related("workflow").get())
    assert sender.send({"id": 1}).status_code == 202
    assert sender.send({"id": 2}, message="m", secret=old).status_code == 400


def test_a_webhook_that_has_just_gone_gets_no_secret(sender):
    trigger = Trigger.objects.unscoped().select_related("workflow").get()
    Trigger.objects.unscoped().filter(pk=trigger.pk).delete()
    with pytest.raises(NotFoundError):
        rotate_signing_secret(trigger)
    assert not AuditEntry.objects.unscoped().filter(code="workflows.webhook_secret_rotated").exists()


def test_a_trigger_switched_to_what_it_is_leaves_no_record(organization):
    source = "name: S\ntriggers: [{name: t, type: webhook}]\nsteps: [{id: t, type: transform, with: {value: 1}}]"
    trigger = create_workflow(organization, source, None).workflow.triggers.get()
    for enabled in (True, False, False):
        switch_trigger(trigger, enabled=enabled)
        assert trigger.enabled is enabled
    told = AuditEntry.objects.unscoped().filter(code__startswith="workflows.triggers_").values_list("code", flat=True)
    assert list(told) == ["workflows.triggers_disabled"]
