"""Durations as people write them: `90s`, `1h30m`, `2d`, or a number of seconds."""

import re
from datetime import timedelta

UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")
PATTERN = r"^(\d{1,9}(\.\d{1,3})?(ms|[smhdw]))+$"
LONGEST = timedelta(days=366)


def parse(value: str | float) -> timedelta:
    """The duration. Raises `ValueError` for anything else, or more than a year."""
    if isinstance(value, bool):
        raise ValueError(value)
    if isinstance(value, int | float):
        seconds = float(value)
    elif re.fullmatch(PATTERN, value):
        seconds = sum(float(number) * UNITS[unit] for number, unit in PART.findall(value))
    else:
        raise ValueError(value)
    if not 0 <= seconds <= LONGEST.total_seconds():
        raise ValueError(value)
    return timedelta(seconds=seconds)
