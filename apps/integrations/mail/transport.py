"""From a row to Django's mail backend, and from whatever goes wrong to what may be done about it."""

from email.errors import HeaderParseError
from email.utils import formatdate
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import BadHeaderError, EmailMultiAlternatives, get_connection

from apps.core.crypto import DecryptionError
from apps.integrations.credentials import credentials_for
from apps.integrations.models import BODY, MailMessage

PERMANENT = (BadHeaderError, HeaderParseError, UnicodeError)


class TransportError(Exception):
    """A mail did not go out as far as we know.

    `transient`: trying again may help. `ambiguous`: it may have gone out nevertheless (the answer was lost).
    `retry_after`: seconds that the vendor asked us to wait.
    """

    def __init__(
        self, message: str, *, transient: bool, ambiguous: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.transient = transient
        self.ambiguous = ambiguous
        self.retry_after = retry_after


class OutboxMail(EmailMultiAlternatives):
    """A mail that knows its row: backends use the id as idempotency key, tag or file name."""

    mail_id: str = ""
    anymail_status: Any  # set by anymail's backends
    provider_message_id: str = ""


def build(row: MailMessage) -> OutboxMail:
    """The mail of a row. Every attempt builds the same one: `Date` and `Message-ID` come from the row."""
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    headers = {
        **row.headers,
        "Date": formatdate(row.created_at.timestamp()),
        "Message-ID": f"<{row.public_id}@{host}>",
    }
    mail = OutboxMail(row.subject, row.text, row.from_address, row.recipients, headers=headers)
    mail.mail_id = row.public_id
    if row.html:
        mail.attach_alternative(row.html, "text/html")
    return mail


def send(row: MailMessage) -> str:
    """Hand a mail over. Returns the vendor's id of it, empty where there is none. Raises `TransportError`."""
    try:
        row.refresh_from_db(fields=BODY)
        mail = build(row)
        options: dict[str, Any] = {}
        if settings.MAIL_TRANSPORT == "resend":
            options = credentials_for("resend", row.realm_id)
        get_connection(**options).send_messages([mail])
    except TransportError:
        raise
    except PERMANENT as error:
        raise TransportError(describe(error), transient=False) from error
    except DecryptionError as error:  # somebody may find the key
        raise TransportError(describe(error), transient=True) from error
    except Exception as error:  # an unforeseen failure is tried again, then shown to staff
        raise TransportError(describe(error), transient=True, ambiguous=True) from error
    return mail.provider_message_id


def describe(error: BaseException) -> str:
    """One line for the record."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:1000]
