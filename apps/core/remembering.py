"""What a process remembers of rows, for as long as the versions that they were read under hold (`core.versions`).

One look at Redis and no SQL where it is remembered; without Redis nobody could say that it is still so, and it is read.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from redis.exceptions import RedisError

from apps.core import versions
from apps.core.outage import REDIS

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """`read(key)` is remembered under the version that `name(key)` names; at most so many, the latest used."""

    def __init__(self, name: Callable[[K], str], read: Callable[[K], V], most: int = 5_000) -> None:
        self._name, self._read, self._most = name, read, most
        self._lock = threading.Lock()
        self._kept: OrderedDict[K, tuple[str, V]] = OrderedDict()

    def get(self, key: K) -> V:
        """As the rows say now."""
        word = self._version(key)
        if word == versions.BLOCKED:
            return self._read(key)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept[0] == word:
                self._kept.move_to_end(key)
                return kept[1]
        value = self._read(key)
        with self._lock:
            self._kept[key] = (word, value)
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return value

    def _version(self, key: K) -> str:
        """The version before the rows are read, which are then at least as new."""
        if not REDIS.worth_trying():
            return versions.BLOCKED
        try:
            [word] = versions.look([self._name(key)])
            REDIS.ended()
            return word
        except (RedisError, OSError) as error:
            REDIS.began(error)
            return versions.BLOCKED
