"""The triggers that the newest version declares, and the signed calls that webhooks let in.

When a schedule starts a run is in `schedules`.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from apps.audit.services import record
from apps.core.clock import now
from apps.core.errors import DomainError, LimitExceededError
from apps.core.json_values import storable
from apps.workflows import limits
from apps.workflows.definition.expressions import ExpressionError, compiled
from apps.workflows.models import Run, Trigger, Workflow
from apps.workflows.services.schedules import next_slot, stand_still
from apps.workflows.services.starting import Start, start_run

KEPT_HEADERS = ("content-type", "user-agent", "webhook-id", "webhook-timestamp")


class WebhookRefusedError(DomainError):
    """The call is not signed as it must be, or too old."""

    code, status = "webhook_refused", 400


def sync_triggers(workflow: Workflow, definition: Mapping[str, Any]) -> None:
    """Make the workflow's triggers those of the definition; call inside a transaction.

    A trigger keeps its address and secret by its name, and the slots that wait as long as its times are the same.
    Raises `LimitExceededError` where the organization has all the schedules that it may.
    """
    declared = {trigger["name"]: trigger for trigger in definition.get("triggers", [])}
    check_room_for_schedules(workflow, sum(config["type"] == Trigger.Kind.CRON for config in declared.values()))
    existing: dict[str, Trigger] = {}
    for trigger in workflow.triggers.select_for_update(no_key=True):  # a schedule may be firing
        if declared.get(trigger.name, {}).get("type") == trigger.kind:
            existing[trigger.name] = trigger
        else:
            trigger.delete()
    for name, config in declared.items():
        trigger = existing.get(name) or Trigger(
            organization_id=workflow.organization_id, workflow=workflow, name=name, kind=config["type"]
        )
        if trigger.kind == Trigger.Kind.CRON and not workflow.organization.livemode:
            stand_still(trigger)
        elif trigger.kind == Trigger.Kind.CRON and (trigger.slot is None or _times(trigger.config) != _times(config)):
            trigger.slot = trigger.due_at = next_slot(config, now())
            trigger.waiting, trigger.dropped_until = [], None
        if trigger.kind == Trigger.Kind.WEBHOOK and not trigger.signing_secret:
            trigger.signing_secret = new_signing_secret()
        trigger.config = config
        trigger.save()


def check_room_for_schedules(workflow: Workflow, count: int) -> None:
    """Raise `LimitExceededError` where `count` schedules of this workflow are more than the organization may have.

    Schedules are looked at one after another: those of one organization must not make the others' late.
    """
    if not count:
        return
    others = (
        Trigger.objects.for_organization(workflow.organization_id)
        .filter(kind=Trigger.Kind.CRON, workflow__archived_at=None)
        .exclude(workflow=workflow)
    )
    most = limits.SCHEDULES_PER_ORGANIZATION
    if others[:most].count() + count > most:
        raise LimitExceededError(
            _("An organization has at most %(most)s schedules. Archive workflows that you no longer need.")
            % {"most": most},
            code="too_many_schedules",
        )


def _times(config: Mapping[str, Any]) -> tuple[str, str]:
    return config.get("cron", ""), config.get("timezone", "UTC")


def new_signing_secret() -> str:
    """A secret in the form of Standard Webhooks."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


def rotate_signing_secret(trigger: Trigger) -> str:
    """A new secret for a webhook; the old one stops working at once.

    Raises `NotFoundError` where a new version did away with the trigger in this moment.
    """
    with transaction.atomic():
        secret = new_signing_secret()
        if not Trigger.objects.unscoped().filter(pk=trigger.pk).update(signing_secret=secret):
            raise Trigger.missing(trigger.public_id)
        trigger.signing_secret = secret
        record("workflows.webhook_secret_rotated", target=trigger.workflow, data={"trigger": trigger.name})
    return trigger.signing_secret


def receive_webhook(trigger: Trigger, body: bytes, headers: Mapping[str, str]) -> Run:
    """Start a run for a signed call (Standard Webhooks); the same message starts no second one.

    Raises `WebhookRefusedError` for a missing, wrong or stale signature or a body that is no JSON, and whatever
    `start_run` refuses.
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    try:
        Webhook(trigger.signing_secret).verify(body, lowered)
    except WebhookVerificationError as error:
        raise WebhookRefusedError(
            _("The signature does not fit: send webhook-id, webhook-timestamp and webhook-signature.")
        ) from error
    except ValueError as error:
        raise WebhookRefusedError(_("The body is no JSON."), code="malformed_json") from error
    workflow = trigger.workflow
    if not (trigger.enabled and workflow.enabled) or workflow.archived_at is not None:
        raise WebhookRefusedError(_("This webhook is switched off."), code="webhook_disabled", status=409)
    data = {
        "body": storable(json.loads(body)),
        "headers": {name: value for name, value in lowered.items() if name in KEPT_HEADERS},
    }
    run = start_run(
        workflow,
        Start(
            kind=Run.TriggerKind.WEBHOOK,
            inputs=trigger.config.get("inputs", {}),
            idempotency_key=f"webhook:{trigger.public_id}:{_dedupe_key(trigger, data, lowered)}",
            trigger=trigger,
            trigger_data=data,
            livemode=trigger.organization.livemode,
        ),
    )
    Trigger.objects.unscoped().filter(pk=trigger.pk).update(
        last_fired_at=now(), last_outcome=_("started %(run)s") % {"run": run.public_id}, last_run=run
    )
    return run


def _dedupe_key(trigger: Trigger, data: Mapping[str, Any], headers: Mapping[str, str]) -> str:
    """What makes two calls the same: the declared look-up when it finds something, else the message's id."""
    expression = trigger.config.get("dedupe")
    try:
        found = compiled(expression).search(data) if expression else None
    except ExpressionError as error:
        raise WebhookRefusedError(
            _("The workflow's “dedupe” can't be applied to this body: %(reason)s") % {"reason": error},
            code="dedupe_failed",
            status=422,
        ) from error
    key = headers["webhook-id"] if found is None else json.dumps(found, sort_keys=True)
    return hashlib.sha256(key.encode()).hexdigest()
