"""The gate with its counters in Redis: one script, one round trip a call."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from apps.core.redis_client import Client, redis_key
from apps.core.redis_scripts import Line, Script
from apps.usage.gate import scripts, stream
from apps.usage.gate.counter import begin_counter, counter_key
from apps.usage.gate.port import MINUTE, Call, Counted, Refusal, StaleError, Verdict, Word, is_beyond
from apps.usage.periods import Period

TAKEN_BACK = "taken_back"


class RedisGate:
    """See `port.Gate`. Raises `RedisError` or `OSError` where Redis is away.

    `clock` gives microseconds since 1970 in place of Redis's own time, for tests.
    """

    compares_versions = True

    def __init__(self, client: Client, clock: Any = None) -> None:
        self._clock = clock or (lambda: "")
        self._line = Line(client)
        self._admit = Script(self._line, scripts.text("admit"))
        self._take_back = Script(self._line, scripts.text("take_back"))
        self._read = Script(self._line, scripts.text("read"))
        self._stream = stream.stream_key()
        self._bucket = redis_key("bucket", "")

    def admit(self, call: Call, words: Sequence[Word] = ()) -> Verdict:
        """See `port.Gate`."""
        limits = call.limits
        interval = MINUTE // limits.per_minute
        versions = [key for key, _word in words]
        known = [word for _key, word in words]
        moment = datetime.now(UTC)
        while True:
            period = limits.period(moment)
            ceiling = limits.ceiling(period)
            counter = counter_key(call.organization_id, period) if call.counted else "-"
            what, now, *rest = self._admit(
                [self._bucket + call.subject, counter, self._stream, *versions],
                [
                    interval,
                    limits.per_minute,
                    -1 if ceiling is None else ceiling,
                    "1" if call.counted else "0",
                    call.category,
                    period.begin_microseconds,
                    period.end_microseconds,
                    stream.event(call, period, 1) if call.counted else "",
                    self._clock(),
                    *known,
                ],
            )
            if what == "stale":
                raise StaleError
            if what == "unknown" and call.organization_id is not None:
                begin_counter(call.organization_id, period)
            elif what == "period":
                moment = datetime.fromtimestamp(now / 1_000_000, UTC)
            else:
                break
        full_at, used, *receipt = rest
        refusal: Refusal = "" if what == "ok" else what
        return Verdict(
            refusal,
            remaining=max(int((limits.per_minute * interval - max(full_at - now, 0)) // interval), 0),
            full_in=max(full_at - now, 0) / 1_000_000,
            retry_in=_retry_in(refusal, now, full_at, interval, limits.per_minute, period),
            period=period,
            used=used,
            receipt=receipt[0] if receipt else "",
            in_redis=True,
        )

    def is_exhausted(self, call: Call) -> bool:
        """See `port.Gate`."""
        full_at = int(self._line.ask("GET", self._bucket + call.subject) or 0)
        return is_beyond(full_at, int(self._clock() or time.time_ns() // 1_000), call.limits.per_minute)

    def take_back(self, call: Call, verdict: Verdict) -> None:
        """See `port.Gate`."""
        if not verdict.receipt or verdict.period is None:
            return
        self._take_back(
            [counter_key(call.organization_id, verdict.period), self._stream, redis_key(TAKEN_BACK, verdict.receipt)],
            [call.category, stream.event(call, verdict.period, -1, corrects=verdict.receipt)],
        )

    def counted(self, organization_id: UUID, period: Period) -> Counted:
        """See `port.Gate`."""
        if not (found := self._counter(organization_id, period)):
            begin_counter(organization_id, period)
            found = self._counter(organization_id, period)
        calls = {name: int(value) for name, value in found.items()}
        return Counted(calls.pop("", 0), {name: count for name, count in calls.items() if count})

    def _counter(self, organization_id: UUID, period: Period) -> dict[str, str]:
        """The counter's fields. None where there is no counter, or one that the server read from its file."""
        pairs = self._read([counter_key(organization_id, period)])
        return dict(zip(pairs[::2], pairs[1::2], strict=True))


def _retry_in(refusal: str, now: int, full_at: int, interval: int, burst: int, period: Period) -> float:
    if refusal == "minute":
        return (full_at + interval - burst * interval - now) / 1_000_000
    if refusal == "quota":
        return period.end.timestamp() - now / 1_000_000
    return 0.0
