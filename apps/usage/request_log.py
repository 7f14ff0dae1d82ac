"""The log of API requests: noted in memory, written a second later, so that no call waits for it.

It is for developers to look things up, not for the bill: a process that is killed loses its last second.
"""

import json
import threading
import time
from collections import deque
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from redis.exceptions import RedisError

from apps.accounts.models import Organization
from apps.core.outage import REDIS
from apps.core.redis_client import redis_client, redis_key
from apps.usage.gate.port import Call
from apps.usage.models import ApiRequest

log = structlog.get_logger(__name__)

LONGEST_BODY, LONGEST_PATH = 8_000, 500
WITHOUT_BODY = frozenset(
    {"secrets", "auth", "keys", "key", "secret-scanning"}
)  # what is sent there is a secret, or makes one
WAITING_MOST = 20_000
EVERY_SECONDS = 1.0
BATCH = 1_000
QUEUE = "request_log"

_waiting: deque[dict[str, Any]] = deque(maxlen=WAITING_MOST)
_writer: threading.Thread | None = None
_lock = threading.Lock()


def note(request: HttpRequest, response: HttpResponse, call: Call, began: float) -> None:
    """Note a call of an organization. `began` is of `time.perf_counter`."""
    if call.organization_id is None:
        return
    query = request.META.get("QUERY_STRING", "")
    _waiting.append(
        {
            "organization_id": call.organization_id.hex,
            "user_id": call.user_id.hex,
            "key_id": call.key_id.hex,
            "request_id": call.request_id,
            "method": (request.method or "")[:8],
            "path": f"{request.path}?{query}"[:LONGEST_PATH] if query else request.path[:LONGEST_PATH],
            "category": call.category,
            "status": response.status_code,
            "milliseconds": round((time.perf_counter() - began) * 1000),
            "address": request.META.get("REMOTE_ADDR") or None,
            "body": _body(request, call.category),
            "at": time.time(),
        }
    )
    if settings.REQUEST_LOG_IN_BACKGROUND:
        _see_that_somebody_writes()


def _body(request: HttpRequest, category: str) -> str:
    """What was sent, if it was read, is short and no secret. (It is not read for this.)"""
    body: bytes | None = getattr(request, "_body", None)
    if not body or category in WITHOUT_BODY or len(body) > LONGEST_BODY:
        return ""
    return body.decode("utf-8", "replace").replace("\0", "")


def flush() -> int:
    """Hand on what was noted: to Redis, from where a worker stores it, or to the database. Returns how many."""
    entries: list[dict[str, Any]] = []
    while _waiting and len(entries) < BATCH:
        entries.append(_waiting.popleft())
    if not entries:
        return 0
    client = redis_client()
    if client is not None and REDIS.worth_trying():
        try:
            client.rpush(redis_key(QUEUE), json.dumps(entries))
        except (RedisError, OSError) as error:
            REDIS.began(error)
        else:
            REDIS.ended()
            return len(entries)
    _store(entries)
    return len(entries)


def store_waiting() -> int:
    """Store what processes handed to Redis. Returns how many. Raises `RedisError`, `OSError`."""
    client, stored = redis_client(), 0
    while client is not None and (packed := client.lpop(redis_key(QUEUE))):
        entries = json.loads(packed)
        _store(entries)
        stored += len(entries)
    return stored


def _store(entries: list[dict[str, Any]]) -> None:
    there = set(
        Organization.objects.filter(pk__in={entry["organization_id"] for entry in entries}).values_list("pk", flat=True)
    )
    rows = [
        ApiRequest(
            **{
                **entry,
                "user_id": UUID(entry["user_id"]),
                "key_id": UUID(entry["key_id"]),
                "at": datetime.fromtimestamp(entry["at"], UTC),
            }
        )
        for entry in entries
        if UUID(entry["organization_id"]) in there
    ]
    ApiRequest.objects.bulk_create(rows, batch_size=BATCH)


def _see_that_somebody_writes() -> None:
    global _writer
    if _writer is not None and _writer.is_alive():
        return
    with _lock:
        if _writer is None or not _writer.is_alive():
            _writer = threading.Thread(target=_write, name="request-log", daemon=True)
            _writer.start()


def _write() -> None:
    """Hand on what was noted, every second, for as long as the process lives."""
    while True:
        time.sleep(EVERY_SECONDS)
        try:
            while flush():
                pass
        except DatabaseError as error:
            log.warning("request_log_not_written", error=str(error))
        finally:
            connection.close()
