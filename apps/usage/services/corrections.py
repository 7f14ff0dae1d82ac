"""Taking back what was counted by mistake, on the record: by a further event, never by changing one."""

from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.audit.services import record
from apps.core.clock import now
from apps.core.errors import ConflictError
from apps.core.redis_client import redis_client, where_redis_is
from apps.usage.gate import database_gate, stream
from apps.usage.gate.counter import forget_stale
from apps.usage.gate.port import METER
from apps.usage.limits import limits_of
from apps.usage.models import STAFF, StreamPosition, UsageEvent
from apps.usage.selectors import correction_of
from apps.usage.services.recording import note_stale, record_events

EVENT_CORRECTED = "usage.event_corrected"
SETTLED_AFTER = timedelta(minutes=10)  # no call takes as long, and Redis remembers as long what was taken back


def correct(event: UsageEvent, reason: str) -> UsageEvent:
    """Take an event back: one of the opposite sign joins it, in its hour and period. Twice takes back once.

    The gate's counter in Redis begins anew right after the commit, or as soon as Redis is there. Raises `ConflictError`
    for a correction, for what was taken back before, and for what its own call may still take back.
    """
    if event.corrects:
        raise ConflictError(_("This is a correction, which stands. Count anew what was taken back by mistake."))
    if correction_of(event) is not None:
        raise ConflictError(_("This was taken back already."))
    if _is_under_way(event):
        raise ConflictError(_("Its call may still take it back by itself: wait until it is ten minutes old."))
    correction = UsageEvent(
        organization=event.organization,
        meter=event.meter,
        category=event.category,
        user_id=event.user_id,
        key_id=event.key_id,
        value=-event.value,
        at=event.at,
        hour=event.hour,
        source=STAFF,
        source_id=str(event.pk),
        corrects=event.source_id,
        request_id=event.request_id,
    )
    period = limits_of(event.organization).period(event.at).name
    with transaction.atomic():
        try:
            with transaction.atomic():
                record_events([correction], [period])
        except IntegrityError as error:  # somebody else did it at the same time
            raise ConflictError(_("This was taken back already.")) from error
        if event.meter == METER and settings.REDIS_URL:
            note_stale(event.organization_id, period)
            transaction.on_commit(partial(where_redis_is, partial(forget_stale, event.organization_id)))
        data = {"reason": reason, "meter": event.meter, "value": correction.value, "correction": correction.pk}
        record(EVENT_CORRECTED, target=event, data=data, organization_id=event.organization_id)
    return correction


def _is_under_way(event: UsageEvent) -> bool:
    """Whether the gate may still take an event back, or did so in Redis and the database does not know."""
    in_redis = event.source.startswith(stream.SOURCE)
    if not in_redis and event.source != database_gate.SOURCE:
        return False
    settled = event.at + SETTLED_AFTER
    if now() < settled:
        return True
    position = StreamPosition.objects.first() if in_redis and redis_client() is not None else None
    return position is not None and stream.source(position.incarnation) == event.source and position.read_at < settled
