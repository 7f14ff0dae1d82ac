"""The same gate with its counters in the database: where there is no Redis, and while it is away. Exact as well."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from apps.accounts.services import key_access
from apps.core.clock import now
from apps.core.ids import new_id
from apps.usage.gate.port import METER, MINUTE, Call, Counted, Refusal, Verdict, Word, counted_at, is_beyond
from apps.usage.models import NOBODY, RateBucket, UsageEvent, UsageTotal
from apps.usage.periods import Period, hour_of
from apps.usage.services import recording

SOURCE = "gate"
TAKEN_BACK = ":taken_back"

# A row comes back where the call fits; `full` is when the bucket would be full again.
_BUCKET = """
INSERT INTO {table} (subject, full_at) VALUES (%(subject)s, %(now)s + %(interval)s)
ON CONFLICT (subject) DO UPDATE SET full_at = %(interval)s
  + CASE WHEN {table}.full_at > %(now)s THEN {table}.full_at ELSE %(now)s END
WHERE {table}.full_at + %(interval)s - %(now)s <= %(interval)s * %(burst)s
RETURNING full_at
"""


class _RefusedError(Exception):
    """Undoes what the transaction wrote."""


class DatabaseGate:
    """See `port.Gate`. It is always told afresh who calls, so that no version is compared."""

    compares_versions = False

    def admit(self, call: Call, words: Sequence[Word] = ()) -> Verdict:
        """See `port.Gate`."""
        limits, moment = call.limits, now()
        period = limits.period(moment)
        present, interval = int(moment.timestamp() * 1_000_000), MINUTE // limits.per_minute
        refusal: Refusal = ""
        receipt = ""
        full_at: int | None = None
        used = 0
        try:
            with transaction.atomic():
                full_at = _pour(call.subject, present, interval, limits.per_minute)
                if full_at is None:
                    refusal = "minute"
                    raise _RefusedError
                if call.counted:
                    used_now = _count(call, period)
                    if used_now is None:
                        refusal = "quota"
                        raise _RefusedError
                    used, receipt = used_now, new_id(moment).hex
                    _record(call, period, moment, receipt, 1)
        except _RefusedError:
            full_at = _full_at(call.subject)
            used = self.counted(call.organization_id, period).calls if call.organization_id and call.counted else 0
        behind = max((full_at or 0) - present, 0)
        retry = {
            "": 0.0,
            "minute": (behind + interval - limits.per_minute * interval) / 1_000_000,
            "quota": (period.end - moment).total_seconds(),
        }
        return Verdict(
            refusal,
            remaining=max((limits.per_minute * interval - behind) // interval, 0),
            full_in=behind / 1_000_000,
            retry_in=retry[refusal],
            period=period,
            used=used,
            receipt=receipt,
        )

    def is_exhausted(self, call: Call) -> bool:
        """See `port.Gate`."""
        present = int(now().timestamp() * 1_000_000)
        return is_beyond(_full_at(call.subject) or 0, present, call.limits.per_minute)

    def take_back(self, call: Call, verdict: Verdict) -> None:
        """See `port.Gate`."""
        if not verdict.receipt or verdict.period is None:
            return
        taken_back = UsageEvent.objects.unscoped().filter(source=SOURCE, source_id=verdict.receipt + TAKEN_BACK)
        with suppress(_RefusedError), transaction.atomic():
            # The total first: whoever takes back the same call waits for its row, and then sees the event.
            recording.add(UsageTotal, "total", {(call.organization_id, verdict.period.name, METER, ""): -1})
            if taken_back.exists():
                raise _RefusedError
            moment = counted_at(verdict.receipt)
            _record(call, verdict.period, moment, verdict.receipt + TAKEN_BACK, -1, corrects=verdict.receipt)

    def counted(self, organization_id: UUID, period: Period) -> Counted:
        """See `port.Gate`."""
        rows = UsageTotal.objects.for_organization(organization_id).filter(period=period.name, meter=METER)
        calls = dict(rows.values_list("category", "total"))
        return Counted(calls.pop("", 0), {name: count for name, count in calls.items() if count})


def _pour(subject: str, present: int, interval: int, burst: int) -> int | None:
    """One call into the bucket: when it will be full again. None where it does not fit."""
    values = {"subject": subject, "now": present, "interval": interval, "burst": burst}
    return _one(_BUCKET.format(table=RateBucket._meta.db_table), values)


def _full_at(subject: str) -> int | None:
    return RateBucket.objects.filter(pk=subject).values_list("full_at", flat=True).first()


def _count(call: Call, period: Period) -> int | None:
    """One call more in the period's total. None where the ceiling is reached."""
    ceiling = call.limits.ceiling(period)
    if ceiling is not None and ceiling < 1:
        return None
    key = recording.prepared(recording.key_fields(UsageTotal), (call.organization_id, period.name, METER, ""))
    statement, values = recording.upsert(UsageTotal, "total", "(%s, %s, %s, %s, 1)"), [*key]
    if ceiling is not None:
        statement += f" WHERE {UsageTotal._meta.db_table}.total < %s"
        values.append(ceiling)
    return _one(f"{statement} RETURNING total", values)


def _record(call: Call, period: Period, moment: datetime, source_id: str, value: int, corrects: str = "") -> None:
    """The event and what follows from it, but for the total, which is counted already."""
    if call.organization_id is None:
        raise ValueError("what belongs to nobody is not counted")
    event = UsageEvent(
        organization_id=call.organization_id,
        meter=METER,
        category=call.category,
        user_id=call.user_id,
        key_id=call.key_id,
        value=value,
        at=moment,
        hour=hour_of(moment),
        source=SOURCE,
        source_id=source_id,
        corrects=corrects,
        request_id=call.request_id,
    )
    event.save(force_insert=True)
    recording.add(UsageTotal, "total", {(call.organization_id, period.name, METER, call.category): value})
    recording.note_hours([event])
    if call.key_id != NOBODY and value > 0:
        key_access.note_use(call.key_id, moment)
    if settings.REDIS_URL:
        recording.note_stale(call.organization_id, period.name)


def _one(statement: str, values: Any) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone()
    return None if row is None else int(row[0])
