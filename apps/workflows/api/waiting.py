"""Who may keep a web thread waiting for a run to change.

A waiting request does nothing but holds one of the process's few threads: a handful of them would stop the site for
everybody. So at most half of the threads wait, and one person has at most half of those; others are answered at once,
and ask again after a pause.
"""

import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings


class Waiters:
    """Places for waiting requests in this process."""

    def __init__(self, threads: int) -> None:
        self._most = max(1, threads // 2)
        self._most_of_one = max(1, self._most // 2)
        self._held: Counter[uuid.UUID] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def place(self, person: uuid.UUID) -> Iterator[bool]:
        """Hold a place for the time of the block; False where none is free for this person."""
        with self._lock:
            free = self._held.total() < self._most and self._held[person] < self._most_of_one
            self._held[person] += free
        try:
            yield free
        finally:
            with self._lock:
                self._held[person] -= free
                if not self._held[person]:
                    del self._held[person]


waiters = Waiters(settings.ENV.WEB_THREADS)
