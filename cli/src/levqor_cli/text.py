"""Small pieces of text: safe to print, times, durations."""

import re
from datetime import UTC, datetime

from levqor_cli import clock

# C0 and C1 controls (terminal escapes start there) and marks that reverse the reading direction.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printable(value: object) -> str:
    """Text from a server or a file without anything that could steer the terminal."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", str(value).replace("\r\n", "\n"))


def one_line(value: object, length: int = 120) -> str:
    """The same on one line of at most `length` characters."""
    line = " ".join(printable(value).split())
    return line if len(line) <= length else line[: length - 1] + "…"


def parse_time(value: object) -> datetime | None:
    """An ISO 8601 time as the API writes it, or None."""
    if not isinstance(value, str) or not value:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def duration(milliseconds: float | None) -> str:
    """`412 ms`, `4.2 s`, `3 min 05 s`, `2 h 07 min`, `3 d 04 h`; empty for None."""
    if milliseconds is None:
        return ""
    if milliseconds < 1000:
        return f"{max(0, round(milliseconds))} ms"
    seconds = milliseconds / 1000
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, unit, below_size, below_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // below_size:02d} {below_unit}"
    return f"{whole} s"


def whole_seconds(milliseconds: float) -> str:
    """A time that is still counting: `5 s`, then like `duration`."""
    seconds = round(milliseconds / 1000)
    return f"{seconds} s" if seconds < 60 else duration(seconds * 1000)


def ago(moment: datetime | None) -> str:
    """`just now`, `3 min ago`, `2 h ago`, `5 days ago`, then the date."""
    if moment is None:
        return "–"
    seconds = (clock.now() - moment).total_seconds()
    if seconds < 0:
        return f"in {duration(-seconds * 1000)}"
    if seconds < 10:
        return "just now"
    if seconds < 60:
        return f"{seconds:.0f} s ago"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min ago"
    if seconds < 86400:
        return f"{seconds // 3600:.0f} h ago"
    if seconds < 30 * 86400:
        days = int(seconds // 86400)
        return f"{days} day{'s' if days > 1 else ''} ago"
    return f"{moment:%Y-%m-%d}"


_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_span(text: str) -> float:
    """Seconds from `90`, `90s`, `5m`, `1h30m`; raises ValueError."""
    compact = text.strip().replace(" ", "")
    if re.fullmatch(r"\d+(?:\.\d+)?", compact):
        return float(compact)
    parts = _SPAN.findall(compact)
    if not parts or "".join(number + unit for number, unit in parts) != compact:
        raise ValueError(f"{text!r} is no duration; write it like 90s, 5m or 1h30m")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)
