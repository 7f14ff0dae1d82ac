"""Resend, through anymail: our idempotency key and tag on the way out, our kinds of error on the way back."""

from collections.abc import Sequence
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from anymail.backends.resend import EmailBackend, ResendPayload
from anymail.exceptions import (
    AnymailAPIError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailSerializationError,
    AnymailUnsupportedFeature,
)
from django.core.mail import EmailMessage

from apps.core.clock import now
from apps.integrations.mail.transport import OutboxMail, TransportError, describe

TAG = "levqor_mail"
# A rejected key or an unverified domain is put right by staff: the mail waits for that instead of being lost.
WAIT_FOR_STAFF = {401, 403}
TRY_AGAIN = {408, 425, 429}
_NEVER_SENT = (requests.ConnectTimeout,)


class ResendBackend(EmailBackend):
    """Sends outbox mail. Raises `TransportError` only."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Send each mail and note Resend's id on it (`provider_message_id`)."""
        try:
            sent = int(super().send_messages(email_messages))
        except AnymailAPIError as error:
            raise _explained(error) from error
        except (
            AnymailInvalidAddress,
            AnymailRecipientsRefused,
            AnymailSerializationError,
            AnymailUnsupportedFeature,
        ) as error:
            raise TransportError(describe(error), transient=False) from error
        for mail in email_messages:
            if isinstance(mail, OutboxMail):
                mail.provider_message_id = str(mail.anymail_status.message_id or "")
        return sent

    def build_message_payload(self, message: EmailMessage, defaults: Any) -> ResendPayload:
        """The request: the row's id as idempotency key, and as a tag that Resend's webhooks carry back."""
        payload = super().build_message_payload(message, defaults)
        for name in ("Date", "Message-ID"):  # Resend sets these itself
            payload.data.get("headers", {}).pop(name, None)
        if isinstance(message, OutboxMail):
            payload.headers["Idempotency-Key"] = message.mail_id
            payload.data["tags"] = [{"name": TAG, "value": message.mail_id}]
        return payload


def _explained(error: AnymailAPIError) -> TransportError:
    response = error.response
    if error.status_code is None or response is None:
        return TransportError(
            f"Resend was not reached: {describe(error.__cause__ or error)}",
            transient=True,
            ambiguous=not isinstance(error, _NEVER_SENT),
        )
    status, name, message = int(error.status_code), "", ""
    with suppress(ValueError, AttributeError):
        body = response.json()
        name, message = str(body.get("name", "")), str(body.get("message", ""))
    told = f"Resend answered {status} {name}: {message}"[:500].strip(" :")
    if status < 400:  # accepted, but the answer could not be read
        return TransportError(told, transient=True, ambiguous=True)
    if status == 409:
        # "concurrent": an attempt of ours is still running there. Otherwise this key was used for other content.
        return TransportError(told, transient=name == "concurrent_idempotent_requests", ambiguous=True)
    if status in TRY_AGAIN or status in WAIT_FOR_STAFF:
        return TransportError(told, transient=True, retry_after=retry_after(response.headers.get("Retry-After")))
    return TransportError(
        told,
        transient=status >= 500,
        ambiguous=status >= 500,
        retry_after=retry_after(response.headers.get("Retry-After")),
    )


def retry_after(value: str | None) -> float | None:
    """Seconds in a `Retry-After` header, given as a number or a date; None when it is missing or nonsense."""
    if not value:
        return None
    with suppress(ValueError):
        return max(0.0, float(value)) if value.strip().isdigit() else _until(value)
    return None


def _until(value: str) -> float | None:
    moment = parsedate_to_datetime(value)
    return max(0.0, (moment - now()).total_seconds()) if moment.tzinfo else None
