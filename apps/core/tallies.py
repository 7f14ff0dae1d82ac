"""Counts that a process keeps in memory of what it does, for whoever shows figures (monitoring) to fetch.

Counting costs less than a microsecond and asks nobody. A process that is killed loses what was not fetched yet: figures
for watching, never for the bill.
"""

import threading
from bisect import bisect_left
from collections.abc import Mapping

Labels = tuple[str, ...]
_all: "list[Tally | Timing]" = []


class Tally:
    """How often something happened, by label values. The label values must be few: each is a series for ever."""

    def __init__(self, name: str, help_text: str, labels: tuple[str, ...] = ()) -> None:
        self.name, self.help, self.labels = name, help_text, labels
        self._lock = threading.Lock()
        self._counts: dict[Labels, int] = {}
        _all.append(self)

    def add(self, *values: str) -> None:
        """It happened once."""
        with self._lock:
            self._counts[values] = self._counts.get(values, 0) + 1

    def fetch(self) -> Mapping[Labels, int]:
        """What was counted since the last time."""
        with self._lock:
            counts, self._counts = self._counts, {}
        return counts


class Timed:
    """How long things took: how many up to each bound, and above the last; and seconds together."""

    __slots__ = ("counts", "seconds")

    def __init__(self, bounds: int) -> None:
        self.counts = [0] * (bounds + 1)
        self.seconds = 0.0


class Timing:
    """How long something took, by label values, in buckets whose upper `bounds` are seconds."""

    def __init__(self, name: str, help_text: str, bounds: tuple[float, ...], labels: tuple[str, ...] = ()) -> None:
        self.name, self.help, self.labels, self.bounds = name, help_text, labels, bounds
        self._lock = threading.Lock()
        self._times: dict[Labels, Timed] = {}
        _all.append(self)

    def add(self, seconds: float, *values: str) -> None:
        """It took so long once."""
        place = bisect_left(self.bounds, seconds)
        with self._lock:
            timed = self._times.get(values)
            if timed is None:
                timed = self._times[values] = Timed(len(self.bounds))
            timed.counts[place] += 1
            timed.seconds += seconds

    def fetch(self) -> Mapping[Labels, Timed]:
        """What was counted since the last time."""
        with self._lock:
            times, self._times = self._times, {}
        return times


def tallies() -> "list[Tally | Timing]":
    """All of this process."""
    return list(_all)
