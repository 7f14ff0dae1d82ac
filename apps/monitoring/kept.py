"""Something that was made by one process and is shown by all, also while the database is away.

In Redis where there is one, for all machines, and in a file, for when nothing else answers. No SQL.
"""

import json
import os
import time
from pathlib import Path
from typing import Any, NamedTuple

import structlog
from django.conf import settings
from redis.exceptions import RedisError

from apps.core.outage import REDIS
from apps.core.redis_client import redis_client, redis_key

log = structlog.get_logger(__name__)

REDIS_KEEPS_SECONDS = 7 * 24 * 3600


class Copy(NamedTuple):
    """What was kept, and when it was made (of `time.time`)."""

    at: float
    value: Any


class Kept:
    """One thing under one name; its value is JSON."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def file(self) -> Path:
        """The copy of this machine."""
        return Path(settings.KEPT_DIR) / f"{self._name}.json"

    def put(self, value: Any, at: float | None = None) -> Copy:
        """Keep this instead of what was."""
        copy = Copy(time.time() if at is None else at, value)
        text = json.dumps(copy)
        client = redis_client()
        if client is not None and REDIS.worth_trying():
            try:
                client.set(redis_key("kept", self._name), text, ex=REDIS_KEEPS_SECONDS)
            except (RedisError, OSError) as error:
                REDIS.began(error)
            else:
                REDIS.ended()
        self._write(text)
        return copy

    def get(self) -> Copy | None:
        """The newest copy that can be had, or None. What came from Redis is there without it, too, from then on."""
        ours = self._read()
        client = redis_client()
        if client is None or not REDIS.worth_trying():
            return ours
        try:
            text = client.get(redis_key("kept", self._name))
        except (RedisError, OSError) as error:
            REDIS.began(error)
            return ours
        REDIS.ended()
        theirs = _parsed(text) if text else None
        if theirs is not None and (ours is None or theirs.at > ours.at):
            self._write(json.dumps(theirs))
            return theirs
        return ours

    def _read(self) -> Copy | None:
        try:
            return _parsed(self.file.read_text(encoding="utf-8"))
        except OSError:
            return None

    def _write(self, text: str) -> None:
        aside = self.file.with_suffix(f".{os.getpid()}.{time.monotonic_ns()}")
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
            aside.replace(self.file)
        except OSError as error:  # a full disk: those who ask Redis or the database still get an answer
            log.warning("copy_not_kept", name=self._name, error=str(error))
            aside.unlink(missing_ok=True)


def _parsed(text: str) -> Copy | None:
    try:
        at, value = json.loads(text)
        return Copy(float(at), value)
    except (ValueError, TypeError):  # cut off, or of another version of the code
        return None
