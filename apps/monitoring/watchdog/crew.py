"""Which of several workers stopped without a goodbye. Whoever ends as he should takes his sign of life away.

Like `judging`, this knows no clock, no socket and no file, and compares numbers with what they were.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass
class _Member:
    beats: int | None  # None: nobody could give signs meanwhile
    changed_at: float
    lived: bool


class Crew:
    """Remembers the workers that were seen to live.

    `lost`: one was missing before this watchdog began. Who that was is not known, so whoever stands still counts.
    """

    def __init__(self, interval: float, lost: bool = False) -> None:
        self._still = 0.95 * interval
        self._members: dict[str, _Member] = {}
        self._full: int | None = None  # how many there are when nobody is missing
        self._assumed = lost
        self._assumed_at: float | None = None

    def hold(self) -> None:
        """Nobody could give signs until now."""
        self._assumed_at = None
        for member in self._members.values():
            member.beats = None

    def missing(self, signs: Iterable[tuple[str, int]], at: float) -> list[str] | None:
        """The names of those who are missing while others live; None where that can't be said."""
        self._note(dict(signs), at)
        lived = {name: member for name, member in self._members.items() if member.lived}
        lost = sorted(name for name, member in lived.items() if at - member.changed_at >= self._still)
        living = len(lived) - len(lost)
        if not living or (not lost and self._has_yet_to_compare(at)):
            return None
        self._assumed = False
        if lost and living < (len(lived) if self._full is None else self._full):
            return lost
        for name in lost:  # others took their places
            self._members[name].lived = False
        self._full = living
        return []

    def _has_yet_to_compare(self, at: float) -> bool:
        if self._assumed_at is None:
            self._assumed_at = at
        return self._assumed and at - self._assumed_at < self._still

    def _note(self, signs: dict[str, int], at: float) -> None:
        for name in self._members.keys() - signs.keys():
            del self._members[name]
        for name, beats in signs.items():
            member = self._members.get(name)
            if member is None:
                self._members[name] = _Member(beats, at, lived=self._assumed)
            elif member.beats is None:
                member.beats, member.changed_at = beats, at
            elif member.beats != beats:
                member.beats, member.changed_at, member.lived = beats, at, True
