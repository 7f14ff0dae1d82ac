"""Calls for the gate, the two that serve it, and what they left behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import transaction
from django.test import override_settings

from apps.accounts.models import Organization
from apps.core.clock import now
from apps.core.outage import REDIS
from apps.core.redis_client import redis_client, redis_key
from apps.core.versions import version_key
from apps.usage.gate.database_gate import DatabaseGate
from apps.usage.gate.port import Call, Gate
from apps.usage.gate.redis_gate import RedisGate
from apps.usage.limits import Limits
from apps.usage.meters import API_CALLS
from apps.usage.models import UsageEvent
from apps.usage.periods import hour_of, month_of
from apps.usage.services.draining import drain
from apps.usage.services.recording import record_events
from apps.usage.services.summing import sum_up

NOWHERE = "redis://127.0.0.1:1/0"  # nobody listens there


def limits(per_minute: int = 1_000, quota: int | None = 1_000, **fields: Any) -> Limits:
    """Limits of no plan."""
    return Limits("any", per_minute, quota, **fields)


def call_of(organization: Organization | None, allowed: Limits | None = None, **fields: Any) -> Call:
    """A call of somebody in an organization, or of nobody."""
    wanted = {"subject": "somebody", "category": "runs", **fields}
    return Call(limits=allowed or limits(), organization_id=organization and organization.pk, **wanted)


def microseconds() -> int:
    """The present as Redis tells it, by the tests' own clock."""
    return int(now().timestamp() * 1_000_000)


def gate_named(name: str) -> Gate:
    """“database”, or “redis” where one is configured (else the test is skipped), by the tests' own clock."""
    return DatabaseGate() if name == "database" else RedisGate(client(), clock=microseconds)


def client() -> Any:
    """The tests' Redis. Without one the test is skipped."""
    found = redis_client()
    if found is None:
        pytest.skip("no Redis is configured")
    return found


def events(organization: Organization) -> list[UsageEvent]:
    """Everything that was counted for an organization, in the order of its arrival."""
    drain()
    return list(UsageEvent.objects.for_organization(organization).order_by("pk"))


@contextmanager
def redis_away() -> Iterator[None]:
    """A Redis is configured, and does not answer. Whoever is told that it is back believes it at once."""
    with override_settings(REDIS_URL=NOWHERE):
        try:
            yield
        finally:
            REDIS.ended()


def forget_everything() -> None:
    """As if Redis had been emptied, as far as this test is concerned."""
    connection = client()
    for key in list(connection.scan_iter(match=redis_key("*"), count=1_000)):
        connection.delete(key)


def forget_strikes() -> None:
    """As if the half minute after a strike were over, for everybody."""
    connection = redis_client()
    for key in list(connection.scan_iter(match=version_key("*"), count=1_000)) if connection is not None else ():
        connection.delete(key)


def sum_up_all() -> int:
    """Sum up as the job does when the present hour is over."""
    with time_machine.travel(now() + timedelta(hours=1), tick=False):
        return sum_up()


def record(organization: Organization, at: datetime, **fields: Any) -> UsageEvent:
    """Something that was used, told by somebody else than the gate."""
    event = UsageEvent(
        organization=organization,
        at=at,
        hour=hour_of(at),
        **{"meter": API_CALLS, "category": "runs", "value": 1, "source": "test", "source_id": uuid4().hex, **fields},
    )
    with transaction.atomic():
        record_events([event], [month_of(at).name])
    return event
