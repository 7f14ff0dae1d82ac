"""The way of the request log into the database: by Redis, where there is one, so that web processes write no rows.

Batches lie in Redis encrypted, as their bodies do in the database. They are taken away once they are stored: a worker
that is killed in between stores them again, which the entries' ids make nothing. A Redis whose batches nobody takes
keeps the newest.
"""

import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, transaction
from redis.exceptions import RedisError

from apps.accounts.models import Organization
from apps.core.crypto import DecryptionError, decrypt, encrypt
from apps.core.outage import REDIS
from apps.core.redis_client import Client, redis_client, redis_key
from apps.usage.models import ApiRequest

log = structlog.get_logger(__name__)

Entry = dict[str, Any]
QUEUE = "api_requests"
BATCH = 1_000
BATCH_CHARACTERS = 100_000  # and an entry's more; encrypted a third more
BATCHES_MOST = 1_000
TRIED_FOR_SECONDS = 3_600
DATABASE_AWAY = (DatabaseError, InterfaceError)  # or it takes nothing of this kind right now
BAD_ENTRY = (DataError, IntegrityError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class Batch:
    """Entries that travel together: few and short enough that Redis is never held up by them."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._texts: list[str] = []
        self._characters = 0

    def add(self, entry: Entry) -> None:
        """Take one more along."""
        text = json.dumps(entry)
        self.entries.append(entry)
        self._texts.append(text)
        self._characters += len(text)

    @property
    def is_full(self) -> bool:
        """Whether the next entry belongs into the next batch."""
        return len(self.entries) >= BATCH or self._characters >= BATCH_CHARACTERS

    def sealed(self) -> str:
        """As it is given to Redis, which has no secrets: not only bodies, but who called from where."""
        return encrypt(f"[{','.join(self._texts)}]")


def push(batch: Batch) -> bool:
    """Give a batch to Redis. False where there is none, or it is away."""
    client = redis_client()
    if client is None or not REDIS.worth_trying():
        return False
    key = redis_key(QUEUE)
    try:
        pipeline = client.pipeline(transaction=False)
        _id, waiting = pipeline.xadd(key, {"batch": batch.sealed()}).xlen(key).execute()
        if waiting > BATCHES_MOST:
            dropped = client.xtrim(key, maxlen=BATCHES_MOST, approximate=False)
            log.warning("request_log_too_long", dropped_batches=dropped)
    except (RedisError, OSError) as error:
        REDIS.began(error)
        return False  # if only the answer was lost, it is stored twice, which is once
    REDIS.ended()
    return True


def store_waiting() -> int:
    """Store what processes gave to Redis. Returns how many entries. Raises `RedisError`, `OSError`.

    While the database takes nothing the batches wait; one that it never takes is given up after an hour.
    """
    client, stored = redis_client(), 0
    while client is not None and (batch := _oldest(client)):
        name, sealed = batch
        try:
            stored += store(_opened(sealed))
        except DATABASE_AWAY as error:
            given_up = int(name.partition("-")[0]) / 1000 < time.time() - TRIED_FOR_SECONDS
            log.warning("request_log_not_stored", error=str(error), given_up=given_up)
            if not given_up:
                break
        client.xdel(redis_key(QUEUE), name)
    return stored


def store(entries: Iterable[Entry]) -> int:
    """Store entries, each once. A bad one, or one whose organization is being deleted, stops no other.

    Returns how many there were, but for bad ones. Raises what is in `DATABASE_AWAY` where none is taken at all.
    """
    rows = [row for row in map(_row, entries) if row is not None]
    try:
        _insert(rows)
    except BAD_ENTRY:
        return sum(_insert_alone(row) for row in rows)
    return len(rows)


def _oldest(client: Client) -> tuple[str, str] | None:
    found = client.xrange(redis_key(QUEUE), count=1)
    return (found[0][0], found[0][1].get("batch", "")) if found else None


def _opened(sealed: str) -> list[Entry]:
    try:
        entries: list[Entry] = json.loads(decrypt(sealed))
    except (DecryptionError, ValueError) as error:
        log.warning("request_log_unreadable", error=str(error))
        return []
    return entries


def _row(entry: Entry) -> ApiRequest | None:
    """The row of an entry, or None for one that another version of the code made otherwise."""
    try:
        ids = {name: UUID(entry[name]) for name in ("id", "organization_id", "user_id", "key_id")}
        at = datetime.fromtimestamp(entry["at"], UTC)
        return ApiRequest(**entry | ids | {"at": at, "outcome": ApiRequest.Outcome.of(entry["status"])})
    except BAD_ENTRY as error:
        log.warning("request_log_bad_entry", error=str(error))
        return None


def _insert(rows: list[ApiRequest]) -> None:
    with transaction.atomic():
        asked = {row.organization_id for row in rows}
        there = set(Organization.objects.filter(pk__in=asked).values_list("pk", flat=True))
        kept = [row for row in rows if row.organization_id in there]
        ApiRequest.objects.bulk_create(kept, batch_size=BATCH, ignore_conflicts=True)


def _insert_alone(row: ApiRequest) -> int:
    try:
        _insert([row])
    except BAD_ENTRY as error:
        log.warning("request_log_bad_entry", error=str(error))
        return 0
    return 1
