"""When subscriptions are billed: every so many days, weeks, months or years from an anchor, in UTC seconds.

A month without the anchor's day is billed on its last one, and the next month on the anchor's day again.
"""

from calendar import monthrange
from datetime import UTC, datetime, timedelta

Period = tuple[int, int]


def shifted(anchor: int, interval: str, times: int) -> int:
    """The anchor so many intervals later (earlier, where `times` is negative)."""
    moment = datetime.fromtimestamp(anchor, UTC)
    if interval in ("day", "week"):
        return int((moment + timedelta(days=times * (7 if interval == "week" else 1))).timestamp())
    months = moment.month - 1 + times * (12 if interval == "year" else 1)
    year, month = moment.year + months // 12, months % 12 + 1
    day = min(moment.day, monthrange(year, month)[1])
    return int(moment.replace(year=year, month=month, day=day).timestamp())


def period_of(anchor: int, interval: str, interval_count: int, at: int) -> Period:
    """(start, end) of the whole period that `at` is in. Its end belongs to the next one."""
    days = {"day": 1, "week": 7, "month": 28, "year": 365}[interval] * interval_count
    number = (at - anchor) // (days * 86400)
    while shifted(anchor, interval, number * interval_count) > at:
        number -= 1
    while (end := shifted(anchor, interval, (number + 1) * interval_count)) <= at:
        number += 1
    return shifted(anchor, interval, number * interval_count), end
