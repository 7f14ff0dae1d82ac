"""The event inbox: verify, store once, answer the vendor; act on it afterwards, exactly once."""

from collections.abc import Mapping
from contextlib import nullcontext
from datetime import timedelta

import structlog
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext_lazy as _

from apps.core.backoff import pause
from apps.core.clock import now
from apps.core.doorbell import ring_once
from apps.core.errors import ConflictError, NotFoundError
from apps.core.json_values import storable
from apps.core.kinds import WebhookHandler, WebhookVerifier
from apps.core.locking import WorkerDiedError, attempt_next
from apps.core.registry import registry
from apps.integrations.errors import WebhookRefusedError
from apps.integrations.models import ExternalEvent

log = structlog.get_logger(__name__)

HANDLE_TASK = "integrations.handle_external_events"
MAX_ATTEMPTS = 10
LONGEST_PAUSE = 3600.0
State = ExternalEvent.State


def receive(vendor: str, body: bytes, headers: Mapping[str, str]) -> tuple[ExternalEvent, bool]:
    """Store a vendor's event once its signature is good. Returns (event, whether it is new).

    Raises `NotFoundError` for an unknown vendor and whatever the vendor's verifier refuses with; then there is no row.
    """
    verifier = registry(WebhookVerifier).find(vendor)
    if verifier is None:
        raise NotFoundError(_("There is nothing at this address."))
    external_id, event_type, payload = verifier.verify(body, headers)
    if not 0 < len(external_id) <= 200 or not 0 < len(event_type) <= 120:
        raise WebhookRefusedError(_("The event's id or type has no acceptable length."))
    moment = now()
    event = ExternalEvent(
        vendor=vendor, external_id=external_id, type=event_type, payload=storable(payload), received_at=moment,
        due_at=moment,
    )  # fmt: skip
    try:
        # One statement, which commits itself: nearly all are new, so nobody asks first.
        with transaction.atomic() if connection.in_atomic_block else nullcontext():
            event.save(force_insert=True)
    except IntegrityError:
        return ExternalEvent.objects.get(vendor=vendor, external_id=external_id), False
    ring_once(HANDLE_TASK)
    return event, True


def handle_due(limit: int = 200) -> int:
    """Hand due events to their handlers, one transaction each, until none is left. Returns how many were tried."""
    for done in range(limit):
        if not attempt_next(ExternalEvent.objects.all(), State.RECEIVED, _handle):
            return done
    ring_once(HANDLE_TASK)
    return limit


def _handle(event: ExternalEvent) -> None:
    """Ask the event's handlers, in the transaction that holds the event and marks what became of it."""
    try:
        if event.attempts > MAX_ATTEMPTS:
            event.attempts = MAX_ATTEMPTS
            raise WorkerDiedError
        with transaction.atomic():
            for handler in handlers_of(event):
                handler.handle(event.payload)
    except Exception as error:  # noqa: BLE001 - whatever a handler raises is recorded, retried, then shown to staff
        _put_off(event, error)
    else:
        event.state, event.handled_at, event.last_error = State.HANDLED, now(), ""
    event.save(update_fields=("attempts", "state", "due_at", "handled_at", "last_error"))


def handlers_of(event: ExternalEvent) -> list[WebhookHandler]:
    """Who wants this event; nobody is an answer too."""
    return [
        handler
        for handler in registry(WebhookHandler).all()
        if handler.vendor == event.vendor and handler.event_type in (event.type, "*")
    ]


def _put_off(event: ExternalEvent, error: Exception) -> None:
    event.last_error = f"{type(error).__name__}: {error}"[:2000]
    if event.attempts >= MAX_ATTEMPTS:
        event.state = State.DEAD
        log.error(
            "external_event_dead",
            vendor=event.vendor,
            type=event.type,
            external_event=event.public_id,
            error=event.last_error,
        )
        return
    event.due_at = now() + timedelta(seconds=pause(event.attempts, first=4.0, longest=LONGEST_PAUSE))
    log.warning(
        "external_event_put_off",
        vendor=event.vendor,
        type=event.type,
        external_event=event.public_id,
        error=event.last_error,
    )


def replay(event: ExternalEvent) -> None:
    """Hand an event to its handlers again that was given up. Raises `ConflictError` for any other."""
    again = ExternalEvent.objects.filter(pk=event.pk, state=State.DEAD).update(
        state=State.RECEIVED, attempts=0, due_at=now(), last_error=""
    )
    if not again:
        raise ConflictError(_("Only an event that was given up can be replayed."))
    ring_once(HANDLE_TASK)
