"""The one way out for mail: a row first, in the transaction of whatever asked for it."""

import uuid
from collections.abc import Mapping, Sequence
from email.utils import parseaddr
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from apps.core.clock import now
from apps.core.context import bound, current
from apps.core.doorbell import ring
from apps.core.errors import ConflictError
from apps.integrations.errors import InvalidRecipientError
from apps.integrations.mail.rendering import render
from apps.integrations.models import MailMessage

SEND_TASK = "integrations.send_mail"
UNDELIVERABLE = "mail_undeliverable"
MAX_RECIPIENTS = 50


def queue_mail(
    template: str,
    to: str | Sequence[str],
    context: dict[str, Any],
    *,
    idempotency_key: str,
    organization_id: uuid.UUID | None = None,
    realm_id: uuid.UUID | None = None,
    headers: Mapping[str, str] | None = None,
) -> MailMessage:
    """Order a mail in the caller's transaction and return its row; a worker sends it once that is committed.

    `template` names `templates/emails/<template>.{subject.txt,txt,html}`, rendered now, in the realm's brand. The same
    `idempotency_key` (up to 255 characters that say what happened: "invitation:inv_01…") returns the row that is there
    and sends nothing more. `headers` are added to those that every mail of ours has. Raises `InvalidRecipientError` for
    a wrong address.
    """
    existing = MailMessage.objects.filter(idempotency_key=idempotency_key).first()
    if existing is not None:
        return existing
    recipients = checked_recipients(to)
    scope = current()
    realm_id = realm_id or scope.realm_id
    organization_id = organization_id or scope.organization_id
    with bound(realm_id=realm_id, organization_id=organization_id):
        rendered = render(template, context)
    with transaction.atomic():
        message, created = MailMessage.objects.get_or_create(
            idempotency_key=idempotency_key,
            defaults={
                "realm_id": realm_id,
                "organization_id": organization_id,
                "template": template,
                "from_address": rendered.from_address,
                "to": ", ".join(recipients),
                "subject": rendered.subject,
                "text": rendered.text,
                "html": rendered.html,
                "headers": {**(headers or {}), "Auto-Submitted": "auto-generated"},
                "request_id": scope.request_id[:64],
                "due_at": now(),
            },
        )
        if created:
            ring(SEND_TASK)
    return message


def checked_recipients(to: str | Sequence[str]) -> list[str]:
    """Plain addresses, each once, in order. Raises `InvalidRecipientError`."""
    given = [to] if isinstance(to, str) else list(to)
    addresses = list(dict.fromkeys(_plain_address(address) for address in given))
    if not addresses or len(addresses) > MAX_RECIPIENTS:
        raise InvalidRecipientError(_("A mail has between 1 and %(most)d recipients.") % {"most": MAX_RECIPIENTS})
    for address in addresses:
        try:
            validate_email(address)
        except ValidationError as error:
            raise InvalidRecipientError(
                _("%(address)s is no e-mail address.") % {"address": repr(address[:100])}
            ) from error
    return addresses


def _plain_address(address: str) -> str:
    """The address in "Name <address>". A line break makes it no address: the parser would quietly drop what follows."""
    return (parseaddr(address)[1] if address.isprintable() else "") or address.strip()


def send_again(message: MailMessage) -> None:
    """Try a mail once more that failed or whose outcome is unknown. Raises `ConflictError` for any other.

    After an unknown outcome the recipient may get it twice: that is the decision of whoever calls this.
    """
    again = MailMessage.objects.filter(
        pk=message.pk, state__in=(MailMessage.State.FAILED, MailMessage.State.UNKNOWN)
    ).update(state=MailMessage.State.QUEUED, attempts=0, uncertain_since=None, due_at=now(), last_error="")
    if not again:
        raise ConflictError(_("Only mail that failed or has an unknown outcome can be sent again."))
    ring(SEND_TASK)
