"""Who gets mail about incidents: asked twice, leaves with one click; and the mail itself, batch by batch."""

import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils.encoding import punycode
from django.utils.translation import gettext as _

from apps.core.clock import now
from apps.core.errors import NotFoundError
from apps.core.ids import InvalidIdError
from apps.integrations.errors import InvalidRecipientError
from apps.integrations.mail.services import checked_recipients, queue_mail
from apps.monitoring.models import IncidentUpdate, StatusSubscriber

log = structlog.get_logger(__name__)

SALT = "levqor.status"
CONFIRM, LEAVE = "confirm", "leave"
CONFIRM_WITHIN = timedelta(days=3)
ASKED_AGAIN_AFTER = timedelta(hours=24)
MOST_ASKED_AN_HOUR = 300  # mail to people who may never have heard of us
PUBLIC_NAME = re.compile(r"(?:[a-z0-9-]+\.)+(?=[a-z0-9-]*[a-z])[a-z0-9-]{2,}")
GOOGLES = frozenset({"gmail.com", "googlemail.com"})
UNCONFIRMED_KEPT = timedelta(days=7)
MOST_SUBSCRIBERS = 100_000
BATCH = 100
MAILED_WITHIN = timedelta(days=1)  # an update that is older is no news
MOST_AT_ONCE = 2_000


class BadLinkError(NotFoundError):
    """The link of a mail is old, cut off or used up."""

    code = "bad_link"


def subscribe(email: str) -> None:
    """Ask whoever reads this address whether they want mail. An address that was asked today, or has mail already, gets
    none: nobody learns here who subscribed, and nobody can be bothered through us, by another spelling of their name
    either. Raises `InvalidRecipientError`."""
    address = reader_address(email)
    moment = now()
    with transaction.atomic():
        subscriber = StatusSubscriber.objects.select_for_update().filter(email=address).first()
        if subscriber is not None and (
            subscriber.confirmed_at is not None or moment - subscriber.asked_at < ASKED_AGAIN_AFTER
        ):
            return
        if _was_asked(address, moment) or _is_too_much(moment):
            return
        if subscriber is None:
            if StatusSubscriber.objects.count() >= MOST_SUBSCRIBERS:
                return
            subscriber, created = StatusSubscriber.objects.get_or_create(
                email=address, defaults={"created_at": moment, "asked_at": moment}
            )
            if not created:
                return
        else:
            subscriber.asked_at = moment
            subscriber.save(update_fields=["asked_at"])
        queue_mail(
            "status/confirm",
            address,
            {"confirm_url": _url("status_confirm", token(subscriber, CONFIRM))},
            idempotency_key=f"status_confirm:{subscriber.public_id}:{int(moment.timestamp())}",
        )


def reader_address(email: str) -> str:
    """An address in the one spelling that we keep. Raises `InvalidRecipientError` also for what is no name in the DNS,
    and for quotes: they spell one mailbox in many ways."""
    local, _at, domain = checked_recipients(email.strip().lower())[0].rpartition("@")
    try:
        domain = punycode(domain).lower()
    except UnicodeError:  # letters that no name in the DNS has, or more than fit into one
        domain = ""
    if '"' in local or not PUBLIC_NAME.fullmatch(domain) or len(local) + len(domain) > 253:
        raise InvalidRecipientError(_("Enter an address like name@example.com."))
    return f"{local}@{domain}"


def _mailbox(address: str) -> str:
    """Whose address it is, most likely: what stands after a "+" is for sorting, and Google's dots are for show."""
    local, _at, domain = address.rpartition("@")
    local = local.partition("+")[0] or local
    return f"{local.replace('.', '')}@gmail.com" if domain in GOOGLES else f"{local}@{domain}"


def _was_asked(address: str, moment: datetime) -> bool:
    asked = StatusSubscriber.objects.filter(asked_at__gt=moment - ASKED_AGAIN_AFTER, email__startswith=address[0])
    return _mailbox(address) in map(_mailbox, asked.values_list("email", flat=True))


def _is_too_much(moment: datetime) -> bool:
    """Whoever asks from many places for many people is held up here; who meant it asks again later."""
    if StatusSubscriber.objects.filter(asked_at__gt=moment - timedelta(hours=1)).count() < MOST_ASKED_AN_HOUR:
        return False
    log.warning("status_confirmations_held_back", most_in_an_hour=MOST_ASKED_AN_HOUR)
    return True


def confirm(text: str) -> StatusSubscriber:
    """Somebody wants the mail. Raises `BadLinkError`."""
    subscriber = _of_token(text, CONFIRM)
    StatusSubscriber.objects.filter(pk=subscriber.pk, confirmed_at=None).update(confirmed_at=now())
    subscriber.refresh_from_db()
    return subscriber


def is_confirmed(text: str) -> bool:
    """Whether whoever reads this link has confirmed before. Raises `BadLinkError`."""
    return _of_token(text, CONFIRM).confirmed_at is not None


def unsubscribe(text: str) -> None:
    """Somebody wants no more of it: nothing of them is kept. Twice is fine. Raises `BadLinkError`."""
    key = _key_of(text, LEAVE)
    StatusSubscriber.objects.filter(pk=key).delete()


def token(subscriber: StatusSubscriber, purpose: str) -> str:
    """What a link carries: good for this subscriber and purpose alone; to leave, for ever."""
    return signing.dumps(f"{purpose}:{subscriber.public_id}", salt=SALT)


def check_link(text: str, purpose: str) -> None:
    """Raises `BadLinkError` unless the link is one of ours."""
    _key_of(text, purpose)


def _of_token(text: str, purpose: str) -> StatusSubscriber:
    subscriber = StatusSubscriber.objects.filter(pk=_key_of(text, purpose)).first()
    if subscriber is None:
        raise BadLinkError(_("This link is not good any more. Subscribe again."))
    return subscriber


def _key_of(text: str, purpose: str) -> Any:
    try:
        within = CONFIRM_WITHIN if purpose == CONFIRM else None
        said, _colon, public_id = signing.loads(text, salt=SALT, max_age=within).partition(":")
        if said == purpose:
            return StatusSubscriber.parse_public_id(public_id)
    except (signing.BadSignature, InvalidIdError, AttributeError, ValueError):
        pass
    raise BadLinkError(_("This link is not good any more. Subscribe again."))


def mail_updates() -> int:
    """Mail what was told and not mailed yet. Returns how many mails were ordered.

    A batch and the mark how far it went are one transaction: whoever is killed in between mails nobody twice.
    """
    ordered = 0
    for update in IncidentUpdate.objects.filter(mailed_at=None).order_by("told_at")[:20]:
        while ordered < MOST_AT_ONCE:
            batch = _mail_batch(update.pk)
            if batch is None:
                break
            ordered += batch
    return ordered


def _mail_batch(key: Any) -> int | None:
    """The next subscribers of one update; None when it is done."""
    with transaction.atomic():
        update = IncidentUpdate.objects.select_for_update().get(pk=key)
        if update.mailed_at is not None:
            return None
        readers = StatusSubscriber.objects.filter(confirmed_at__isnull=False, confirmed_at__lte=update.told_at)
        if update.mailed_to is not None:
            readers = readers.filter(pk__gt=update.mailed_to)
        late = now() - update.told_at > MAILED_WITHIN
        batch = [] if late else list(readers.order_by("pk")[:BATCH])
        for reader in batch:
            _mail(update, reader)
        if len(batch) < BATCH:
            update.mailed_at = now()
        if batch:
            update.mailed_to = batch[-1].pk
        update.save(update_fields=["mailed_to", "mailed_at"])
        return len(batch) if update.mailed_at is None else (len(batch) or None)


def _mail(update: IncidentUpdate, reader: StatusSubscriber) -> None:
    leave = _url("status_unsubscribe", token(reader, LEAVE))
    incident = update.incident
    queue_mail(
        "status/update",
        reader.email,
        {
            "incident": incident,
            "update": update,
            "state": update.get_state_display(),
            "url": _url("status_incident", incident.public_id),
            "leave_url": leave,
        },
        idempotency_key=f"status:{update.public_id}:{reader.public_id}",
        headers={
            "List-Unsubscribe": f"<{leave}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "List-Id": f"<status.{urlsplit(settings.SITE_URL).hostname}>",
        },
    )


def _url(name: str, argument: str) -> str:
    return f"{settings.SITE_URL}{reverse(name, args=[argument])}"


def forget_unconfirmed(slot: datetime) -> int:
    """Addresses whose readers never answered."""
    return StatusSubscriber.objects.filter(confirmed_at=None, asked_at__lt=slot - UNCONFIRMED_KEPT).delete()[0]
