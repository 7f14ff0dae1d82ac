"""Whose credential a call shows: remembered by each process for as long as Redis says that it is still so."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from apps.accounts.services.access import Access, Shown, access_of
from apps.core import versions
from apps.usage.gate.port import Word
from apps.usage.limits import Limits, anonymous_limits, limits_of

MOST = 5_000


@dataclass(frozen=True)
class Known:
    """A credential's access and limits, and the versions by which they hold."""

    access: Access
    limits: Limits
    words: Sequence[Word] = ()


class Memory:
    """The credentials that were used last, by their digest."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Known] = OrderedDict()

    def recall(self, shown: Shown) -> Known | None:
        """What is remembered of a credential."""
        digest = shown.digest
        with self._lock:
            known = self._known.get(digest)
            if known is not None:
                self._known.move_to_end(digest)
        return known

    def learn(self, shown: Shown) -> Known:
        """What the database knows of a credential. Raises as `access_of`, and `RedisError`, `OSError`."""
        digest, known = shown.digest, _read(shown)
        if all(word != versions.BLOCKED for _name, word in known.words):
            with self._lock:
                self._known[digest] = known
                while len(self._known) > self._most:
                    self._known.popitem(last=False)
        return known

    def forget(self, shown: Shown) -> None:
        """Read a credential anew next time."""
        with self._lock:
            self._known.pop(shown.digest, None)


def read(shown: Shown) -> Known:
    """A credential as the database has it, remembered by nobody. Raises as `access_of`."""
    access = access_of(shown)
    organization = access.actor.organization
    return Known(access, limits_of(organization) if organization is not None else anonymous_limits())


def _read(shown: Shown) -> Known:
    """Versions first, then the rows, which are then at least as new. The versions' names come of a first look."""
    names = access_of(shown).made_of
    words = versions.look(names)
    known = read(shown)
    if known.access.made_of != names:
        words = [versions.BLOCKED for _name in names]
    return Known(known.access, known.limits, list(zip(map(versions.version_key, names), words, strict=True)))


memory = Memory()
