"""What Resend tells about a mail afterwards: delivered, bounced, reported as spam."""

import json
from collections.abc import Mapping
from typing import Any

import structlog
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from standardwebhooks import Webhook, WebhookVerificationError
from standardwebhooks.webhooks import EmptyWebhookSecretError

from apps.core.errors import NotFoundError
from apps.core.ids import InvalidIdError
from apps.integrations.errors import WebhookMisconfiguredError, WebhookRefusedError
from apps.integrations.mail.outcomes import note_outcome
from apps.integrations.mail.selectors import all_mail
from apps.integrations.models import MailMessage
from apps.integrations.resend.gateway import TAG

log = structlog.get_logger(__name__)

VENDOR = "resend"
State = MailMessage.State
OUTCOMES = {
    "email.sent": State.SENT,
    "email.delivered": State.DELIVERED,
    "email.bounced": State.BOUNCED,
    "email.complained": State.COMPLAINED,
    "email.failed": State.FAILED,
    "email.suppressed": State.FAILED,
}


def configured() -> Webhook | None:
    """The verifier with this installation's secret; None when that is malformed."""
    try:
        return Webhook(settings.RESEND_WEBHOOK_SECRET)
    except (ValueError, EmptyWebhookSecretError):
        return None


def verify(body: bytes, headers: Mapping[str, str]) -> tuple[str, str, dict[str, Any]]:
    """Check the Svix signature (Standard Webhooks) and its age (5 minutes). Returns (event id, type, payload).

    Raises `WebhookRefusedError`, or `NotFoundError` while no secret is set.
    """
    if not settings.RESEND_WEBHOOK_SECRET:
        raise NotFoundError(_("There is nothing at this address."))
    webhook = configured()
    if webhook is None:
        log.error("webhook_secret_malformed", vendor=VENDOR)
        raise WebhookMisconfiguredError(_("The webhook secret of this installation is malformed."))
    given = {f"webhook-{name}": headers.get(f"svix-{name}", "") for name in ("id", "timestamp", "signature")}
    try:
        webhook.verify(body, given, json_parse=False)
        payload = json.loads(body)
    except (WebhookVerificationError, ValueError, RecursionError) as error:
        raise WebhookRefusedError(_("The signature is missing, wrong or too old.")) from error
    if not isinstance(payload, dict) or not isinstance(payload.get("type"), str):
        raise WebhookRefusedError(_("The body is no event."))
    return given["webhook-id"], payload["type"], payload


def handle(payload: dict[str, Any]) -> None:
    """Note the outcome on the mail. Events of mails that are not ours, and of other types, change nothing."""
    state = OUTCOMES.get(str(payload.get("type")))
    data = payload.get("data")
    if state is None or not isinstance(data, dict):
        return
    provider_id = str(data.get("email_id") or "")
    message = _find(_tags(data).get(TAG, ""), provider_id)
    if message is None:
        log.info("resend_event_of_unknown_mail", type=payload.get("type"), email_id=provider_id[:80])
        return
    note_outcome(message, state, provider_message_id=provider_id, reason=_reason(data))


def _tags(data: dict[str, Any]) -> dict[str, str]:
    """Resend writes tags as an object in some events, as a list of {name, value} in others."""
    tags = data.get("tags") or {}
    if isinstance(tags, dict):
        return {str(name): str(value) for name, value in tags.items()}
    if isinstance(tags, list):
        return {str(tag.get("name")): str(tag.get("value")) for tag in tags if isinstance(tag, dict)}
    return {}


def _find(mail_id: str, provider_id: str) -> MailMessage | None:
    """By our own tag first: it is known before Resend's id has reached the row."""
    try:
        found = all_mail().filter(pk=MailMessage.parse_public_id(mail_id)).first() if mail_id else None
    except InvalidIdError:
        found = None
    if found is None and provider_id:
        found = all_mail().filter(provider_message_id=provider_id).first()
    return found


def _reason(data: dict[str, Any]) -> str:
    for member in ("bounce", "failed", "suppressed"):
        part = data.get(member)
        if isinstance(part, dict):
            words = (part.get("type"), part.get("subType"), part.get("reason"), part.get("message"))
            return ": ".join(str(word) for word in words if word)[:1000]
    return ""
