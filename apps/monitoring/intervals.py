"""Half-open spans of whole minutes in UTC, and what is left of them."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
Span = tuple[datetime, datetime]


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


def minutes(spans: Iterable[Span]) -> int:
    """How many minutes they have together; they must not overlap."""
    return sum((end - start) // MINUTE for start, end in spans)


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same minutes, each once, in order."""
    found: list[Span] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def without(spans: Iterable[Span], taken: Iterable[Span]) -> list[Span]:
    """What is left of `spans`; both merged."""
    left = list(spans)
    for taken_start, taken_end in taken:
        rest: list[Span] = []
        for start, end in left:
            rest += [(start, min(end, taken_start)), (max(start, taken_end), end)]
        left = [(start, end) for start, end in rest if start < end]
    return left


def within(spans: Iterable[Span], start: datetime, end: datetime) -> list[Span]:
    """What of them lies in [start, end)."""
    cut = ((max(a, start), min(b, end)) for a, b in spans)
    return [(a, b) for a, b in cut if a < b]
