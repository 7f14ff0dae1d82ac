"""Lua scripts on the short way to Redis, for what is asked at every call.

Each thread has a connection of its own. It is redis-py's (address, TLS, password, patience), without what redis-py does
around each command: a pool that looks at the socket, retries, measuring. That takes longer than a script does.
"""

import hashlib
import os
import socket
import struct
import threading
import time
from collections.abc import Sequence
from typing import Any

import hiredis
from redis.exceptions import NoScriptError, RedisError

from apps.core.redis_client import PATIENCE_SECONDS, Client

LOOKED_AT_AFTER_SECONDS = 0.05  # of rest: busy threads are told at once, by the command that fails


class Line(threading.local):
    """A thread's connection. What is sent is sent once, also where no answer comes."""

    def __init__(self, client: Client) -> None:
        self._pool = client.connection_pool
        self._process = 0
        self._used_at = 0.0
        self._connection: Any = None

    def ask(self, *command: Any) -> Any:
        """Redis's answer. Raises `RedisError`, `OSError`."""
        connection = self._usable()
        connection.send_packed_command((hiredis.pack_command(command),), check_health=False)
        answer = connection.read_response()
        self._used_at = time.monotonic()
        return answer

    def _usable(self) -> Any:
        """The connection; made anew in a forked process, and where Redis closed it while nobody looked."""
        if self._process != os.getpid():
            self._process = os.getpid()
            self._connection = self._pool.connection_class(**self._pool.connection_kwargs)
        elif time.monotonic() - self._used_at > LOOKED_AT_AFTER_SECONDS and self._connection.is_connected:
            try:
                closed = self._connection.can_read()
            except RedisError:
                closed = True
            if closed:
                self._connection.disconnect()
        if not self._connection.is_connected:
            self._connection.connect()
            _let_the_kernel_wait(self._connection._sock)
        return self._connection


def _let_the_kernel_wait(connected: socket.socket) -> None:
    """The same patience in one system call: Python's own looks whether the socket is ready before each other call, and
    gives other threads a turn every time."""
    patience = struct.pack("ll", PATIENCE_SECONDS, 0)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, patience)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, patience)
    connected.settimeout(None)


class Script:
    """A script, called with keys and arguments. Redis is sent its text when it does not know it."""

    def __init__(self, line: Line, text: str) -> None:
        self._line, self._text = line, text
        self._name = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()  # as Redis names it

    def __call__(self, keys: Sequence[str], args: Sequence[Any] = ()) -> Any:
        """What the script answers. Raises `RedisError`, `OSError`."""
        try:
            return self._line.ask("EVALSHA", self._name, len(keys), *keys, *args)
        except NoScriptError:
            return self._line.ask("EVAL", self._text, len(keys), *keys, *args)
