"""The connection to Redis for what the cache interface cannot say: scripts and streams."""

import os
import socket
import struct
import threading
import time
from functools import lru_cache
from typing import Any

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as NoConnectionError
from redis.exceptions import ResponseError
from redis.retry import Retry

PATIENCE_SECONDS = 2
IDLE_SECONDS = 1.0
_PATIENCE = struct.pack("ll", PATIENCE_SECONDS, 0)

Client = Any
"""A `redis.Redis` that answers in text: its types are unions of all that it could be told to answer."""


def redis_client() -> Client | None:
    """This process's client, or None where no Redis is configured. A command is sent once: twice might count twice."""
    return _client(settings.REDIS_URL) if settings.REDIS_URL else None


def redis_key(*parts: str) -> str:
    """A key of this installation."""
    return ":".join((settings.REDIS_PREFIX, *parts))


class ThreadRedis(Redis):
    """A client that keeps one connection for each thread, and leaves it to the kernel to give up waiting.

    Every API call waits for a command. The pool looks at a connection before each loan, and Python looks at a socket
    with a timeout before each use: each look lets another thread in, which costs more than the command does.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._own = threading.local()

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send a command once and return the answer."""
        connection = self._connection()
        try:
            connection.send_command(*args)
            return self.parse_response(connection, args[0], **options)  # type: ignore[no-untyped-call]
        except ResponseError:
            raise  # an answer too
        except BaseException:
            connection.disconnect()  # what it may still answer must not be taken for another answer
            raise

    def _connection(self) -> Any:
        """This thread's connection. One that stood idle may have been closed at the other end: it is made anew."""
        own, process, moment = self._own, os.getpid(), time.monotonic()
        connection = getattr(own, "connection", None)
        if connection is None or own.process != process:
            pool = self.connection_pool
            connection = pool.connection_class(**pool.connection_kwargs)
            connection.register_connect_callback(self._wait_in_kernel)
            own.connection, own.process = connection, process
        elif moment - own.used_at > IDLE_SECONDS:
            _drop_if_closed(connection)
        own.used_at = moment
        return connection

    def _wait_in_kernel(self, connection: Any) -> None:
        """Called for each new connection."""
        connection._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _PATIENCE)
        connection._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _PATIENCE)
        connection._sock.settimeout(None)


def _drop_if_closed(connection: Any) -> None:
    try:
        closed = connection.can_read()  # what was not asked for can only be the end
    except (NoConnectionError, OSError):
        closed = True
    if closed:
        connection.disconnect()


@lru_cache(maxsize=4)
def _client(url: str) -> Client:
    return ThreadRedis.from_url(
        url,
        socket_timeout=PATIENCE_SECONDS,
        socket_connect_timeout=PATIENCE_SECONDS,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )
