"""What a gate is asked and what it answers, whoever keeps the counters."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, NamedTuple, Protocol

from apps.core.ids import moment_of_id
from apps.usage.limits import Limits
from apps.usage.meters import API_CALLS
from apps.usage.models import NOBODY
from apps.usage.periods import Period

METER = API_CALLS
MINUTE = 60_000_000  # microseconds
Refusal = Literal["", "minute", "quota"]
Word = tuple[str, str]
"""Where a version stands and what it was when the caller learned whose credential it is."""


class StaleError(Exception):
    """What the caller remembers of a credential is no longer so."""


class Call(NamedTuple):
    """One call: who is limited, who is counted, under which name.

    `subject` is whose calls a minute they are. Without organization nothing is counted. What is free counts towards no
    quota.
    """

    subject: str
    limits: Limits
    organization_id: uuid.UUID | None = None
    user_id: uuid.UUID = NOBODY
    key_id: uuid.UUID = NOBODY
    category: str = ""
    free: bool = False
    request_id: str = ""

    @property
    def counted(self) -> bool:
        """Whether it is billed."""
        return self.organization_id is not None and not self.free


class Verdict(NamedTuple):
    """Whether a call may pass, and how things stand after it. Seconds are from now.

    `used` is the number of counted calls of the period; `receipt` names what was counted, for taking it back, and
    `in_redis` says where.
    """

    refusal: Refusal
    remaining: int
    full_in: float
    retry_in: float
    period: Period | None = None
    used: int = 0
    receipt: str = ""
    in_redis: bool = False


@dataclass(frozen=True)
class Counted:
    """The calls of a period."""

    calls: int
    by_category: dict[str, int] = field(default_factory=dict)


def counted_at(receipt: str) -> datetime:
    """When a call was counted: receipts of Redis are ids of its stream, those of the database UUIDv7."""
    milliseconds, of_redis, _number = receipt.partition("-")
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC) if of_redis else moment_of_id(uuid.UUID(receipt))


def is_beyond(full_at: int, present: int, per_minute: int) -> bool:
    """Whether one call more overfills a bucket that will be full again at `full_at`. Microseconds since 1970."""
    interval = MINUTE // per_minute
    return max(full_at, present) + interval - present > interval * per_minute


class Gate(Protocol):
    """Where calls are admitted and counted, exactly, across all processes.

    `compares_versions` says whether what a process remembers of a credential will do, or it must be read afresh.
    """

    compares_versions: bool

    def admit(self, call: Call, words: Sequence[Word] = ()) -> Verdict:
        """Let a call pass and count it, or neither. Raises `StaleError` where one of the `words` changed."""

    def is_exhausted(self, call: Call) -> bool:
        """Whether `admit` would refuse the call for this minute. Nothing is counted."""

    def take_back(self, call: Call, verdict: Verdict) -> None:
        """Count off a call that turned out to be nobody's to pay. Twice takes back once."""

    def counted(self, organization_id: uuid.UUID, period: Period) -> Counted:
        """What was counted so far."""
