"""What looks secret or personal by its name is encrypted, a hash, or excused here with a reason."""

import re
from typing import Any

import pytest
from django.apps import apps as django_apps
from django.db import models

from apps.core.crypto import EncryptedTextField

LOOKS_SECRET = re.compile(
    r"secret|token|passw|passphrase|credential|private|jwt|bearer|otp|cookie|sign(ing|ature)|nonce|salt|seed"
    r"|(^|_)(key|keys|code|codes|pin|link|url|body|text|html)$|hash|digest"
    r"|(^|_)(email|ip|address|phone|iban|to)$"
)
HASH = re.compile(r"hash$|digest$|^fingerprint$")
LONGEST_HASH = 64  # SHA-256 in hexadecimal

# "app.Model.field": why the database may show it.
EXCUSED = {
    "accounts.User.password": "Django's hash of it",
    "accounts.User.email": "who logs in is found by it",
    "accounts.Invitation.email": "who was invited is found by it; deleted 90 days after it ended",
    "accounts.TokenFamily.ip": "shown to its owner, who tells by it which login is theirs; deleted with the family",
    "accounts.DeviceAuthorization.ip": "shown to who approves the login; deleted after a day",
    "audit.AuditEntry.code": "which action it was",
    "audit.AuditEntry.personal_digests": "salted digests by name",
    "audit.AuditPersonalData.ip": "kept beside the chain, where it can be erased",
    "audit.AuditPersonalData.salts": "kept beside the chain, where they can be erased",
    "billing.PriceAtStripe.code": "the price's name in the catalogue",
    "billing.PrivateCoupon.code": "what a customer types; of use to the organization that it was given to alone",
    "core.IdempotentRequest.key": "the caller's own name for a request, of use to that caller alone",
    "core.IdempotentRequest.body": "an answer of the API, which never shows a secret; deleted after a day",
    "ledger.Account.key": "the account's name",
    "ledger.Transfer.code": "what the transfer was for",
    "ledger.Transfer.idempotency_key": "says what makes the transfer happen once",
    "monitoring.IncidentUpdate.mailed_to": "which subscriber was written to last",
    "monitoring.Objective.code": "the objective's name",
    "monitoring.StatusSubscriber.email": "who asks again is found by it; deleted as soon as its reader leaves",
    "notifications.Alert.code": "which alarm it is",
    "notifications.AlertChannel.codes": "which alarms it is told of",
    "notifications.AlertChannel.shown_url": "the address without its keys",
    "notifications.AlertDelivery.channel_key": "says which channel it is",
    "notifications.AlertTemplate.code": "which alarm it is for",
    "notifications.EscalationRule.codes": "which alarms it is about",
    "notifications.MaintenanceWindow.codes": "which alarms it is about",
    "notifications.Notification.code": "what kind of notice it is",
    "notifications.Notification.body": "what its person reads; scrubbed, deleted 90 days after it was read",
    "notifications.Notification.url": "a page of the platform, which asks for a login",
    "notifications.Notification.idempotency_key": "says what makes it be told once",
    "notifications.NoticePreference.code": "what kind of notice it is about",
    "usage.ApiRequest.address": "tells developers which program called, also with a leaked key; deleted after 14 days",
    "integrations.MailMessage.idempotency_key": "says what the mail is about",
    "integrations.MailMessage.from_address": "our own address",
    "integrations.MailMessage.to": "staff search by it",
    "developers.NotionGuide.link": "where staff find the page, if Notion lets them in",
    "integrations.NotionTable.url": "where staff find the table, if Notion lets them in",
    "workflows.ConcurrencySlot.key": "what runs are grouped by",
    "workflows.Run.concurrency_key": "what runs are grouped by",
    "workflows.Run.idempotency_key": "the caller's own name for a start, of use to that caller alone",
    "workflows.Run.lease_token": "tells one worker from another and opens nothing",
}


def ours() -> list[type[models.Model]]:
    every = django_apps.get_models(include_auto_created=True)
    return [model for model in every if model.__module__.startswith("apps.")]


def looks_secret(field: models.Field) -> bool:
    """By its name, or because of what others of its kind are. Relations and times hold no value of their own."""
    if field.is_relation or isinstance(field, models.DateTimeField | models.BooleanField):
        return False
    return bool(LOOKS_SECRET.search(field.name))


def is_kept_safe(field: models.Field) -> bool:
    hashed = isinstance(field, models.CharField) and HASH.search(field.name) and (field.max_length or 0) <= LONGEST_HASH
    return isinstance(field, EncryptedTextField) or bool(hashed)


def unsafe(every: list[type[models.Model]]) -> set[str]:
    fields = [(model, field) for model in every for field in model._meta.local_concrete_fields]
    return {
        f"{model._meta.label}.{field.name}"
        for model, field in fields
        if looks_secret(field) and not is_kept_safe(field)
    }


def test_what_looks_secret_is_encrypted_hashed_or_excused() -> None:
    assert unsafe(ours()) - set(EXCUSED) == set()


def test_no_excuse_is_left_over() -> None:
    """One for a field that is gone, or that is encrypted by now."""
    assert set(EXCUSED) - unsafe(ours()) == set()


def test_secrets_are_looked_for_where_they_are() -> None:
    """The words above find what is known to be secret."""
    found = {
        f"{model._meta.label}.{field.name}"
        for model in ours()
        for field in model._meta.local_concrete_fields
        if looks_secret(field)
    }
    assert {
        "accounts.DeviceAuthorization.user_code_hash",
        "accounts.Invitation.token_hash",
        "accounts.TokenFamily.current_hash",
        "integrations.MailMessage.html",
        "integrations.MailMessage.text",
        "workflows.Trigger.signing_secret",
    } <= found


@pytest.mark.parametrize(
    ("name", "field", "safe"),
    [
        ("api_key", models.CharField(max_length=64), False),
        ("webhook_secret", models.TextField(), False),
        ("webhook_secret", EncryptedTextField(), True),
        ("key_hash", models.CharField(max_length=64), True),
        ("token_hash", models.TextField(), False),
        ("backup_codes", models.JSONField(), False),
    ],
)
def test_a_plain_secret_would_be_found(name: str, field: Any, safe: bool) -> None:
    field.set_attributes_from_name(name)
    assert looks_secret(field)
    assert is_kept_safe(field) is safe
