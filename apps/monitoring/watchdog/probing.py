"""Looking at the services: each time by a new connection, and never for longer than agreed."""

import http.client
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLateError
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.db import DatabaseError, Error
from django.db.utils import ConnectionHandler
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from apps.core.clock import now
from apps.core.scrubbing import scrub
from apps.monitoring.watchdog.alarms import DATABASE, REDIS, WEB
from apps.monitoring.watchdog.judging import Look, Signs

NOT_THERE = ("no such table", "does not exist")  # before the first migration nobody can give signs
BUSY = "database is locked"  # SQLite has one writer at a time; that it may wait is no outage


@dataclass(frozen=True)
class FromDatabase:
    """What one look at the database brought: signs of life by process, and the channels' book as it is stored."""

    signs: dict[str, Signs] | None = None
    book: str = ""


class Probes:
    """All services of this installation, looked at side by side."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._pool = ThreadPoolExecutor(max_workers=6, thread_name_prefix="probe")
        self._hanging: dict[str, Future[Any]] = {}
        self.found = FromDatabase()
        self._probes: dict[str, Callable[[], object]] = {DATABASE: self._database, WEB: self._web}
        if settings.REDIS_URL:
            self._probes[REDIS] = self._redis

    def look(self) -> Look:
        """One look at everything."""
        at, self.found = time.monotonic(), FromDatabase()
        asked: dict[str, Future[Any]] = {}
        for code, ask in self._probes.items():
            hanging = self._hanging.pop(code) if code in self._hanging else None
            asked[code] = hanging or self._pool.submit(ask)
        errors = {code: self._answer(code, future, at) for code, future in asked.items()}
        signs = None if errors[DATABASE] else self.found.signs
        return Look(at, errors, signs)

    def _answer(self, code: str, future: "Future[Any]", at: float) -> str:
        try:
            answer = future.result(max(0.05, at + self._patience - time.monotonic()))
        except TooLateError:
            self._hanging[code] = future  # not asked a second time while it still waits
            return f"There was no answer within {self._patience:.1f} seconds."
        except (Error, RedisError, OSError, http.client.HTTPException) as error:
            return _words(error)
        if isinstance(answer, FromDatabase):
            self.found = answer
        return ""

    # One service each ---------------------------------------------------------------------------------------------
    def _database(self) -> FromDatabase:
        connections = ConnectionHandler({"default": _own_settings(self._patience)})
        connection = connections["default"]
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
                return _signs(connection, cursor)
        finally:
            connection.close()

    def _redis(self) -> None:
        options = {"socket_timeout": self._patience, "socket_connect_timeout": self._patience}
        client = Redis.from_url(settings.REDIS_URL, retry=Retry(NoBackoff(), 0), **options)
        try:
            client.ping()
        finally:
            client.close()

    def _web(self) -> None:
        target = urlsplit(web_url())
        kind = http.client.HTTPSConnection if target.scheme == "https" else http.client.HTTPConnection
        link = kind(target.hostname or "127.0.0.1", target.port, timeout=self._patience)
        try:
            link.request("GET", f"{target.path.rstrip('/')}/healthz", headers={"User-Agent": "Levqor watchdog"})
            status = link.getresponse().status
        finally:
            link.close()
        if status != 200:
            raise http.client.HTTPException(f"answered {status}")

    def close(self) -> None:
        """Wait for nothing that hangs."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def web_url() -> str:
    """Where the web process is."""
    if settings.WATCHDOG_WEB_URL:
        return str(settings.WATCHDOG_WEB_URL)
    host = settings.ENV.HOST
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{host}]:{settings.ENV.PORT}" if ":" in host else f"http://{host}:{settings.ENV.PORT}"


def _own_settings(patience: float) -> dict[str, Any]:
    """The database's settings, for a connection that does not wait."""
    own: dict[str, Any] = {**settings.DATABASES["default"], "CONN_MAX_AGE": 0}
    options = dict(own.get("OPTIONS", {}))
    if own["ENGINE"].endswith("sqlite3"):
        name = str(own["NAME"])
        if not name.startswith("file:"):
            own["NAME"] = f"file:{quote(str(Path(name).resolve()))}?mode=rw"  # one that is gone is not made anew
        options |= {"timeout": patience / 2, "init_command": ""}
    else:
        limit = f"-c statement_timeout={int(patience * 1000)}"
        options["options"] = f"{options['options']} {limit}" if options.get("options") else limit
        options["connect_timeout"] = max(2, int(patience))
    return {**own, "OPTIONS": options}


def _signs(connection: Any, cursor: Any) -> FromDatabase:
    """Read everybody's signs and leave our own."""
    rows = None
    try:
        cursor.execute("SELECT process, name, beats, told FROM core_heartbeat")
        rows = cursor.fetchall()
        moment = connection.ops.adapt_datetimefield_value(now())
        cursor.execute("UPDATE core_heartbeat SET beats = beats + 1, seen_at = %s WHERE process = 'watchdog'", [moment])
        if not cursor.rowcount:
            cursor.execute(
                "INSERT INTO core_heartbeat (process, name, beats, seen_at, told) VALUES ('watchdog', '', 1, %s, '')"
                " ON CONFLICT DO NOTHING",
                [moment],
            )
    except DatabaseError as error:
        if any(words in str(error) for words in NOT_THERE):
            return FromDatabase()
        if BUSY not in str(error) or rows is None:
            raise
    found: dict[str, list[tuple[str, int]]] = {}
    for process, name, beats, _told in rows:
        found.setdefault(process, []).append((name, beats))
    book = next((told for process, _name, _beats, told in rows if process == "channels"), "")
    return FromDatabase({process: tuple(sorted(signs)) for process, signs in found.items()}, book)


def _words(error: BaseException) -> str:
    """An error in one line, without a password that an address may hold."""
    return scrub(" ".join(f"{type(error).__name__}: {error}".split()))[:300]
