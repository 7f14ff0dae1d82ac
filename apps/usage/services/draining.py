"""From the stream in Redis to the database: nothing lost, nothing twice, whatever is killed when.

How far the database has read is written in the transaction that stores what was read. The stream is cut only after
the commit: killed between the two, the same events are passed over next time. (Redis's clock must not go back by more
than a restart takes: events written at a time that was read already would be passed over.)
"""

import secrets
from typing import overload

from django.db import connection, transaction

from apps.accounts.models import Organization
from apps.accounts.services import key_access
from apps.core.clock import now
from apps.core.redis_client import Client, redis_client, redis_key
from apps.usage.gate import stream
from apps.usage.gate.port import METER
from apps.usage.models import NOBODY, StreamPosition, UsageEvent
from apps.usage.periods import hour_of
from apps.usage.services.recording import record_events

DRAIN_TASK = "usage.drain"
BATCH = 5000
INCARNATION = "usage_incarnation"


def drain(*, wait: bool = True) -> int:
    """Bring all waiting events into the database. Returns how many. Raises `RedisError`, `OSError`.

    Without `wait` it leaves them to whoever is at it already.
    """
    client = redis_client()
    if client is None:
        return 0
    drained = 0
    while True:
        with transaction.atomic(durable=True):  # the stream is cut after it
            position = locked_position(client, wait=wait)
            if position is None:
                return drained
            count = read_on(client, position)
        if position.entry != "0-0":
            client.xtrim(stream.stream_key(), minid=_after(position.entry), approximate=False)
        drained += count
        if count < BATCH:
            return drained


@overload
def locked_position(client: Client) -> StreamPosition: ...
@overload
def locked_position(client: Client, *, wait: bool) -> StreamPosition | None: ...
def locked_position(client: Client, *, wait: bool = True) -> StreamPosition | None:
    """Where the database stands in the stream, locked until the transaction ends. None: it is, and nobody waits."""
    StreamPosition.objects.get_or_create(pk=1)
    skip = not wait and connection.features.has_select_for_update_skip_locked
    position = StreamPosition.objects.select_for_update(skip_locked=skip).filter(pk=1).first()
    if position is None:
        return None
    fresh = secrets.token_hex(8)
    incarnation = client.set(redis_key(INCARNATION), fresh, nx=True, get=True) or fresh
    if position.incarnation != incarnation:
        position.incarnation, position.entry = incarnation, "0-0"
    return position


def read_on(client: Client, position: StreamPosition) -> int:
    """Store the next events and move the position behind them. Returns how many were read."""
    found = client.xrange(stream.stream_key(), min=f"({position.entry}", count=BATCH)
    arrivals = [stream.arrival(entry, fields["e"]) for entry, fields in found]
    if arrivals:
        _store(arrivals, source=stream.source(position.incarnation))
        position.entry = arrivals[-1].entry
    position.read_at = now()
    position.save()
    return len(arrivals)


def _store(arrivals: list[stream.Arrival], source: str) -> None:
    there = set(
        Organization.objects.filter(pk__in={one.organization_id for one in arrivals}).values_list("pk", flat=True)
    )
    kept = [one for one in arrivals if one.organization_id in there]  # of one that was deleted nothing is kept
    events = [
        UsageEvent(
            organization_id=one.organization_id,
            meter=METER,
            category=one.category,
            user_id=one.user_id,
            key_id=one.key_id,
            value=one.value,
            at=one.at,
            hour=hour_of(one.at),
            source=source,
            source_id=one.entry,
            corrects=one.corrects,
            request_id=one.request_id,
        )
        for one in kept
    ]
    record_events(events, [one.period for one in kept])
    key_access.note_uses({event.key_id: event.at for event in events if event.key_id != NOBODY})


def _after(entry: str) -> str:
    """The first id behind an entry."""
    milliseconds, number = entry.split("-")
    return f"{milliseconds}-{int(number) + 1}"
