"""The counter of an organization's period in Redis: begun from the database, kept exact by the gate's scripts."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from apps.core.redis_client import redis_client, redis_key
from apps.usage.gate import scripts, stream
from apps.usage.gate.port import METER
from apps.usage.models import StaleCounter, UsageTotal
from apps.usage.periods import Period, period_named
from apps.usage.services import draining

KEPT_AFTER = timedelta(days=2)
MOST_LOOKED_AT = 20_000
BATCH = 500


def counter_key(organization_id: UUID | None, period: Period) -> str:
    """Where a period's calls are counted."""
    return redis_key("calls", organization_id.hex if organization_id else "", period.name)


def begin_counter(organization_id: UUID, period: Period) -> None:
    """Set a counter to what the database says plus the events on their way there. Raises `RedisError`, `OSError`.

    Nobody reads the stream meanwhile, so each event is in one of the two. Where very many events wait, the script would
    hold up everybody by looking at them: then they are stored first.
    """
    client = redis_client()
    if client is None:
        return
    if client.xlen(stream.stream_key()) > MOST_LOOKED_AT:
        draining.drain()
    with transaction.atomic():
        position = draining.locked_position(client)
        totals = dict(
            UsageTotal.objects.for_organization(organization_id)
            .filter(period=period.name, meter=METER)
            .values_list("category", "total")
        )
        left = max(period.end + KEPT_AFTER - datetime.now(UTC), KEPT_AFTER)
        client.eval(
            scripts.text("begin"),
            2,
            counter_key(organization_id, period),
            stream.stream_key(),
            position.entry,
            stream.beginning(organization_id, period),
            int(left.total_seconds()),
            *[word for pair in {"": 0, **totals}.items() for word in pair],
        )
        position.save()


def forget_stale(organization_id: UUID | None = None) -> int:
    """Forget the counters that lag behind the database: all, or an organization's. Each begins anew with the next call.

    Returns how many. Raises `RedisError`, `OSError`.
    """
    client, forgotten = redis_client(), 0
    if client is None:
        return forgotten
    stale = StaleCounter.objects.unscoped().order_by("pk")
    if organization_id is not None:
        stale = stale.filter(organization_id=organization_id)
    while rows := list(stale[:BATCH]):
        client.delete(*[counter_key(row.organization_id, period_named(row.period)) for row in rows])
        seen = Q(pk__in=())
        for row in rows:
            seen |= Q(pk=row.pk, noted=row.noted)
        gone = StaleCounter.objects.unscoped().filter(seen).delete()[0]
        forgotten += gone
        if gone < len(rows):  # more was noted meanwhile: the next tick looks again
            break
    return forgotten
