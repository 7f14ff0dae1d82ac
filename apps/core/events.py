"""Domain events: how something that happened on one floor reaches the floors above, exactly once per handler."""

import uuid
from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from apps.core.backoff import pause
from apps.core.clock import now
from apps.core.context import bound, current
from apps.core.doorbell import ring_once
from apps.core.errors import ConflictError
from apps.core.kinds import EventHandler, EventType
from apps.core.locking import WorkerDiedError, attempt_next
from apps.core.models import DomainEvent, EventDelivery
from apps.core.registry import registry

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 8
LONGEST_PAUSE = 600.0
DELIVER_TASK = "core.deliver_events"


def emit(
    name: str,
    payload: dict[str, Any],
    *,
    organization_id: uuid.UUID | None = None,
    realm_id: uuid.UUID | None = None,
) -> DomainEvent:
    """Store an event with a delivery for each interested handler, in the caller's transaction.

    `payload` is JSON without secrets. Raises `RegistryError` for an undeclared name.
    """
    event, deliveries = prepare(name, payload, organization_id=organization_id, realm_id=realm_id)
    with transaction.atomic():
        event.save(force_insert=True)
        if deliveries:
            EventDelivery.objects.bulk_create(deliveries)
            ring_once(DELIVER_TASK)
    return event


def prepare(
    name: str,
    payload: dict[str, Any],
    *,
    organization_id: uuid.UUID | None = None,
    realm_id: uuid.UUID | None = None,
) -> tuple[DomainEvent, list[EventDelivery]]:
    """What `emit` would store: for callers that insert the rows together with their own, and ring afterwards."""
    registry(EventType).get(name)
    context = current()
    event = DomainEvent(
        name=name,
        payload=payload,
        organization_id=organization_id or context.organization_id,
        realm_id=realm_id or context.realm_id,
        request_id=context.request_id,
    )
    interested = [
        handler
        for handler in registry(EventHandler).all()
        if handler.event == name and (handler.when is None or handler.when(payload))
    ]
    due = now()
    return event, [EventDelivery(event=event, handler=handler.key, due_at=due) for handler in interested]


def deliver_due(limit: int = 200) -> int:
    """Run due deliveries, one transaction each, until none is left or `limit` were tried. Returns how many."""
    deliveries = EventDelivery.objects.select_related("event")
    for done in range(limit):
        if not attempt_next(deliveries, EventDelivery.State.PENDING, _consume):
            return done
    ring_once(DELIVER_TASK)
    return limit


def _consume(delivery: EventDelivery) -> None:
    """Hand the event to its handler, in the transaction that holds the delivery and marks what became of it."""
    event = delivery.event
    handler = registry(EventHandler).find(delivery.handler)
    try:
        if delivery.attempts > MAX_ATTEMPTS:
            delivery.attempts = MAX_ATTEMPTS
            raise WorkerDiedError
        if handler is None:
            raise LookupError(f"no handler is registered as {delivery.handler!r}")
        with (
            bound(organization_id=event.organization_id, realm_id=event.realm_id, request_id=event.request_id),
            transaction.atomic(),
        ):
            handler.handle(event)
    except Exception as error:  # noqa: BLE001 - whatever a handler raises is recorded, retried, then shown to staff
        _put_off(delivery, error)
    else:
        delivery.state, delivery.done_at, delivery.last_error = EventDelivery.State.DONE, now(), ""
    delivery.save(update_fields=("attempts", "state", "due_at", "done_at", "last_error"))


def _put_off(delivery: EventDelivery, error: Exception) -> None:
    delivery.last_error = f"{type(error).__name__}: {error}"[:2000]
    if delivery.attempts >= MAX_ATTEMPTS:
        delivery.state = EventDelivery.State.DEAD
        log.error(
            "event_delivery_dead",
            handler=delivery.handler,
            domain_event=str(delivery.event_id),
            error=delivery.last_error,
        )
        return
    delivery.due_at = now() + timedelta(seconds=pause(delivery.attempts, longest=LONGEST_PAUSE))
    log.warning(
        "event_delivery_failed",
        handler=delivery.handler,
        domain_event=str(delivery.event_id),
        error=delivery.last_error,
    )


def replay(delivery: EventDelivery) -> None:
    """Try a delivery that was given up again. Raises `ConflictError` for one that is done or still pending."""
    replayed = EventDelivery.objects.filter(pk=delivery.pk, state=EventDelivery.State.DEAD).update(
        state=EventDelivery.State.PENDING, attempts=0, due_at=now()
    )
    if not replayed:
        raise ConflictError(_("Only a delivery that was given up can be replayed."))
    ring_once(DELIVER_TASK)
