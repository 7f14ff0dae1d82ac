"""Events on their way from Redis to the database: how they are written, and how they arrive exactly once.

An event is the text `organization|period|value|category|user|key|corrects|request`: ids as 32 hexadecimal digits.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from apps.core.redis_client import redis_key
from apps.usage.gate.port import Call, counted_at
from apps.usage.periods import Period

SOURCE = "redis:"


def stream_key() -> str:
    """Where events wait for the database."""
    return redis_key("usage")


def source(incarnation: str) -> str:
    """Where the events of a stream were counted, as they say it in the database."""
    return f"{SOURCE}{incarnation}"


def event(call: Call, period: Period, value: int, *, corrects: str = "") -> str:
    """A call as an event."""
    if call.organization_id is None:
        raise ValueError("what belongs to nobody is not counted")
    return (
        f"{beginning(call.organization_id, period)}{value}|{call.category}|{call.user_id.hex}|{call.key_id.hex}"
        f"|{corrects}|{call.request_id}"
    )


def beginning(organization_id: UUID, period: Period) -> str:
    """How the events of an organization's period begin."""
    return f"{organization_id.hex}|{period.name}|"


@dataclass(frozen=True)
class Arrival:
    """An event as it comes out of the stream. `entry` is its id there, which tells when it was written."""

    entry: str
    organization_id: UUID
    period: str
    value: int
    category: str
    user_id: UUID
    key_id: UUID
    corrects: str
    request_id: str

    @property
    def at(self) -> datetime:
        """When it happened, by Redis's clock; of a call that is taken back, when it was counted."""
        return counted_at(self.corrects or self.entry)


def arrival(entry: str, text: str) -> Arrival:
    """Read an event."""
    organization, period, value, category, user, key, corrects, request = text.split("|", 7)
    return Arrival(entry, UUID(organization), period, int(value), category, UUID(user), UUID(key), corrects, request)
