"""Calls of organizations, as the gate leaves them in the database."""

import itertools
import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.accounts.models import Organization
from apps.core.clock import now
from apps.core.ids import lowest_id, new_id
from apps.usage.gate.counter import forget_stale
from apps.usage.gate.port import METER
from apps.usage.limits import limits_of
from apps.usage.models import NOBODY, ApiRequest, UsageEvent
from apps.usage.periods import hour_of
from apps.usage.services.recording import note_stale, record_events

_made = itertools.count(1)


def call(
    organization: Organization,
    calls: int = 1,
    *,
    at: datetime | None = None,
    category: str = "runs",
    user_id: uuid.UUID = NOBODY,
    key_id: uuid.UUID = NOBODY,
    **fields: Any,
) -> UsageEvent:
    """One event that stands for so many calls."""
    moment = at or now()
    event = UsageEvent(
        organization=organization,
        meter=METER,
        category=category,
        user_id=user_id,
        key_id=key_id,
        value=calls,
        at=moment,
        hour=hour_of(moment),
        source="tests",
        source_id=new_id().hex,
        **fields,
    )
    with transaction.atomic():
        record_events([event], [limits_of(organization).period(moment).name])
    if settings.REDIS_URL:  # its counter begins anew from what the database has
        note_stale(organization.pk, limits_of(organization).period(moment).name)
        forget_stale(organization.pk)
    return event


def id_of(moment: datetime) -> uuid.UUID:
    """A UUIDv7 as one that was made then; of two of one millisecond the later is the greater."""
    return uuid.UUID(int=lowest_id(moment).int | 7 << 76 | 2 << 62 | next(_made) << 32)


def logged(organization: Organization, **fields: Any) -> ApiRequest:
    """One entry of the request log, with an id of its time."""
    moment, status = fields.get("at") or now(), fields.get("status", 200)
    about: dict[str, Any] = {
        "id": id_of(moment),
        "request_id": new_id().hex,
        "method": "GET",
        "path": "/api/v1/runs",
        "category": "runs",
        "status": status,
        "outcome": ApiRequest.Outcome.of(status),
        "milliseconds": 12,
        "address": "127.0.0.1",
        "at": moment,
    }
    return ApiRequest.objects.create(organization=organization, **about | fields)
