"""Sending the outbox: claim a row with a lease, hand it over, write down what happened.

A mail goes out at least once. Where the vendor knows idempotency keys (Resend, for 24 hours) or the transport replaces
its own file, it goes out exactly once, even when a worker dies between the vendor's answer and our note of it: the next
worker repeats the call with the same key. After `MEMORY` no repeat is safe any more and the row ends as "unknown".
"""

import random
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction

from apps.core.clock import now
from apps.core.context import bound
from apps.core.doorbell import ring
from apps.core.events import emit
from apps.core.locking import claim_next
from apps.integrations.mail import transport
from apps.integrations.mail.services import SEND_TASK, UNDELIVERABLE
from apps.integrations.models import BODY, MailMessage

log = structlog.get_logger(__name__)

State = MailMessage.State
LEASE = timedelta(seconds=20)  # longer than the gateway waits for an answer (ANYMAIL["REQUESTS_TIMEOUT"])
MEMORY = timedelta(hours=23)
MAX_ATTEMPTS = 20
BASE_PAUSE = 10.0
LONGEST_PAUSE = 2 * 3600.0


def send_due(limit: int = 100) -> int:
    """Send what is due, one at a time, until nothing is left or `limit` were tried. Returns how many."""
    for done in range(limit):
        row = _claim()
        if row is None:
            return done
        if row.state == State.SENDING:
            _attempt(row)
    ring(SEND_TASK)
    return limit


def _claim() -> MailMessage | None:
    """Take the next mail that is due, or whose worker died. A mail that can't be repeated safely is settled instead."""
    with transaction.atomic():
        moment = now()
        bodiless = MailMessage.objects.defer(*BODY)  # a body that no key opens is its own mail's trouble alone
        row = claim_next(bodiless.filter(state=State.QUEUED, due_at__lte=moment).order_by("due_at")) or claim_next(
            bodiless.filter(state=State.SENDING, lease_until__lte=moment).order_by("lease_until")
        )
        if row is None:
            return None
        if row.state == State.SENDING:
            row.uncertain_since = row.uncertain_since or _started_at(row)
        if _too_late(row) or row.attempts >= MAX_ATTEMPTS:
            _give_up(
                row, State.UNKNOWN, row.last_error or "A worker died while sending, and no repeat is safe any more."
            )
            return row
        row.state, row.attempts, row.lease_until = State.SENDING, row.attempts + 1, moment + LEASE
        row.save(update_fields=("state", "attempts", "lease_until", "uncertain_since"))
        return row


def _attempt(row: MailMessage) -> None:
    with bound(realm_id=row.realm_id, organization_id=row.organization_id, request_id=row.request_id):
        try:
            provider_id = transport.send(row)
        except transport.TransportError as error:
            _failed(row, error)
        else:
            _sent(row, provider_id)


def _sent(row: MailMessage, provider_id: str) -> None:
    """Note a success: it is true whoever holds the lease by now. What the vendor told meanwhile stays."""
    with transaction.atomic():
        fresh = MailMessage.objects.defer(*BODY).select_for_update(no_key=True).get(pk=row.pk)
        if fresh.state in (State.QUEUED, State.SENDING, State.FAILED, State.UNKNOWN):
            fresh.state = State.SENT
        fresh.provider_message_id = provider_id[:200] or fresh.provider_message_id
        fresh.sent_at = fresh.sent_at or now()
        fresh.lease_until, fresh.last_error = None, ""
        fresh.save(update_fields=("state", "provider_message_id", "sent_at", "lease_until", "last_error"))
    log.info("mail_sent", mail=row.public_id, template=row.template, attempt=row.attempts)


def _failed(row: MailMessage, error: transport.TransportError) -> None:
    """Note a failure, unless another worker has taken the mail over or the vendor has already told its outcome."""
    with transaction.atomic():
        fresh = MailMessage.objects.defer(*BODY).select_for_update(no_key=True).get(pk=row.pk)
        if fresh.state != State.SENDING or fresh.attempts != row.attempts:
            return
        if error.ambiguous:
            fresh.uncertain_since = fresh.uncertain_since or _started_at(fresh)
        if not error.transient:
            # A definite refusal under the same key also tells that no earlier attempt went out.
            _give_up(fresh, State.UNKNOWN if error.ambiguous else State.FAILED, str(error))
        elif fresh.attempts >= MAX_ATTEMPTS:
            _give_up(fresh, State.UNKNOWN if fresh.uncertain_since else State.FAILED, str(error))
        else:
            _put_off(fresh, error)


def _put_off(row: MailMessage, error: transport.TransportError) -> None:
    pause = pause_before(row.attempts, error.retry_after)
    row.state, row.lease_until = State.QUEUED, None
    row.due_at, row.last_error = now() + timedelta(seconds=pause), str(error)
    row.save(update_fields=("state", "lease_until", "due_at", "last_error", "uncertain_since"))
    log.warning("mail_put_off", mail=row.public_id, attempt=row.attempts, seconds=round(pause), error=str(error))


def _give_up(row: MailMessage, state: str, reason: str) -> None:
    row.state, row.lease_until, row.last_error = state, None, reason
    row.save(update_fields=("state", "lease_until", "last_error", "uncertain_since"))
    emit(
        UNDELIVERABLE,
        {"mail": row.public_id, "template": row.template, "state": state},
        organization_id=row.organization_id,
        realm_id=row.realm_id,
    )
    log.error("mail_given_up", mail=row.public_id, template=row.template, state=state, error=reason)


def pause_before(attempt: int, retry_after: float | None = None) -> float:
    """Seconds until the next try: full jitter, doubling from 10 s to 2 h; never sooner than the vendor asked."""
    jitter = random.uniform(0.0, min(LONGEST_PAUSE, BASE_PAUSE * 2.0 ** (attempt - 1)))  # noqa: S311 - no secret
    return max(jitter, min(retry_after, LONGEST_PAUSE) + random.uniform(0.0, 5.0)) if retry_after else jitter  # noqa: S311


def _started_at(row: MailMessage) -> datetime:
    return (row.lease_until or now()) - LEASE


def _too_late(row: MailMessage) -> bool:
    """Whether an earlier attempt may have gone out, and the vendor may have forgotten its idempotency key."""
    forgets = settings.MAIL_TRANSPORT == "resend"
    return forgets and row.uncertain_since is not None and now() - row.uncertain_since > MEMORY
