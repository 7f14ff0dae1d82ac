"""Half-open spans of time in UTC, and what is left of them."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


class Span(NamedTuple):
    """From `start` until before `end`, both UTC."""

    start: datetime
    end: datetime

    @property
    def last_day(self) -> date:
        """The day (UTC) that its last moment lies on."""
        return (self.end - timedelta(microseconds=1)).astimezone(UTC).date()

    @property
    def days(self) -> list[date]:
        """The days (UTC) that it touches."""
        first = self.start.astimezone(UTC).date()
        return [first + timedelta(days=number) for number in range((self.last_day - first).days + 1)]


def minute_of(moment: datetime) -> datetime:
    """The minute that a moment lies in."""
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


def minute_after(moment: datetime) -> datetime:
    """The first full minute that is not before a moment."""
    begun = minute_of(moment)
    return begun if begun == moment else begun + MINUTE


def start_of(day: date) -> datetime:
    """Midnight, UTC."""
    return datetime.combine(day, time(), UTC)


def whole_days(first: date, last: date) -> Span:
    """Days (UTC), both included."""
    return Span(start_of(first), start_of(last) + DAY)


def minutes(spans: Iterable[Span]) -> int:
    """How many minutes they have together; they must not overlap."""
    return sum((end - start) // MINUTE for start, end in spans)


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same minutes, each once, in order."""
    found: list[Span] = []
    for start, end in sorted(span for span in spans if span.start < span.end):
        if found and start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, end))
        else:
            found.append(Span(start, end))
    return found


def without(spans: Iterable[Span], taken: Iterable[Span]) -> list[Span]:
    """What is left of `spans`; both merged."""
    left = list(spans)
    for taken_start, taken_end in taken:
        rest: list[Span] = []
        for start, end in left:
            rest += [Span(start, min(end, taken_start)), Span(max(start, taken_end), end)]
        left = [span for span in rest if span.start < span.end]
    return left


def within(spans: Iterable[Span], start: datetime, end: datetime) -> list[Span]:
    """What of them lies in [start, end)."""
    cut = (Span(max(one.start, start), min(one.end, end)) for one in spans)
    return [span for span in cut if span.start < span.end]
