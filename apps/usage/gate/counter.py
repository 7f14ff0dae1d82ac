"""The counter of an organization's period in Redis: begun from the database, kept exact by the gate's scripts."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction

from apps.core.redis_client import redis_client, redis_key
from apps.usage.gate import scripts, stream
from apps.usage.gate.port import METER
from apps.usage.models import StaleCounter, UsageTotal
from apps.usage.periods import Period, period_named
from apps.usage.services import draining

KEPT_AFTER = timedelta(days=2)


def counter_key(organization_id: UUID | None, period: Period) -> str:
    """Where a period's calls are counted."""
    return redis_key("calls", organization_id.hex if organization_id else "", period.name)


def begin_counter(organization_id: UUID, period: Period) -> None:
    """Set a counter to what the database says plus the events on their way there. Raises `RedisError`, `OSError`.

    Nobody reads the stream meanwhile, so each event is in one of the two.
    """
    client = redis_client()
    if client is None:
        return
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


def renew_stale(organization_id: UUID | None = None) -> int:
    """Begin the counters anew that lag behind the database: all, or those of one organization. Returns how many.

    Raises `RedisError`, `OSError`.
    """
    rows = (
        StaleCounter.objects.for_organization(organization_id) if organization_id else StaleCounter.objects.unscoped()
    )
    renewed = 0
    for row in rows.order_by("pk")[:1000]:
        begin_counter(row.organization_id, period_named(row.period))
        renewed += StaleCounter.objects.unscoped().filter(pk=row.pk, noted=row.noted).delete()[0]
    return renewed
