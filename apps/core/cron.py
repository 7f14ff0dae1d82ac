"""Five-field cron expressions in a time zone, and what they mean when clocks change.

A local time that does not exist (spring) fires at the moment the clock jumps past it; one that exists twice (autumn)
fires once, the first time. Expressions whose hour field is a wildcard follow elapsed time and fire in both hours.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from heapq import heappop, heappush
from zoneinfo import ZoneInfo, available_timezones

from cron_descriptor import FormatException, MissingFieldException, Options, WrongArgumentException, get_description
from croniter import croniter
from django.utils.translation import gettext as _

from apps.core.errors import InvalidInputError

AROUND = timedelta(hours=3)
PART = re.compile(r"(\*|(?P<low>\d{1,2}|[a-z]{3})(-(?P<high>\d{1,2}|[a-z]{3}))?)(/[1-9]\d?)?", re.IGNORECASE)
ONE_LONG_RANGE = re.compile(r"\b(\w+)-\1\b(/\d+)?")


class InvalidScheduleError(InvalidInputError):
    """The cron expression or the time zone is not understood."""

    code = "invalid_schedule"


@cache
def known_zones() -> frozenset[str]:
    """The names of all IANA zones. Looking for them reads some 600 files."""
    return frozenset(available_timezones())


def check(expression: str, tz: str) -> None:
    """Raise `InvalidScheduleError` unless this is a five-field expression that ever fires, in an IANA zone."""
    if tz not in known_zones():
        raise InvalidScheduleError(_("“%(tz)s” is not an IANA time zone such as Europe/London.") % {"tz": tz[:80]})
    if not _is_plain(expression) or not croniter.is_valid(_read(expression)):
        raise InvalidScheduleError(
            _("“%(cron)s” is not a five-field cron expression such as “0 9 * * 1-5”.") % {"cron": expression[:80]}
        )
    try:
        next_slot(expression, tz, datetime.now(UTC))
    except ValueError as error:
        raise InvalidScheduleError(_("“%(cron)s” never fires.") % {"cron": expression}) from error


@lru_cache(maxsize=256)
def in_words(expression: str) -> str:
    """The expression in English, such as "At 14:00, only on Friday"; itself where no words are found for it."""
    options = Options()
    options.use_24hour_time_format, options.verbose, options.throw_exception_on_parse_error = True, False, True
    try:
        return str(get_description(expression, options))
    except (FormatException, MissingFieldException, WrongArgumentException):
        return expression


def _is_plain(expression: str) -> bool:
    """Five fields of numbers, names, ranges that rise, lists and strides: none of croniter's own additions, of which
    some are random."""
    parts = [PART.fullmatch(part) for field in expression[:200].split() for part in field.split(",")]
    ranges = [(part["low"], part["high"]) for part in parts if part and part["high"]]
    rising = all(int(low) <= int(high) for low, high in ranges if low.isdigit() and high.isdigit())
    return len(expression) <= 200 and len(expression.split()) == 5 and all(parts) and rising


def _read(expression: str) -> str:
    """The expression as croniter understands it: it takes a range of one, such as 9-9, for "every"."""
    return ONE_LONG_RANGE.sub(r"\1", expression)


def next_slot(expression: str, tz: str, after: datetime) -> datetime:
    """The first time the expression fires strictly after `after` (aware), in UTC."""
    return next(_slots(expression, ZoneInfo(tz), after))


def latest_slot(expression: str, tz: str, at: datetime) -> datetime:
    """The last time the expression fired at or before `at`, in UTC."""
    zone = ZoneInfo(tz)
    back = croniter(_read(expression), at.astimezone(zone).replace(tzinfo=None) + AROUND)
    for _step in range(2000):
        candidate = max((m for m in _moments(expression, zone, back.get_prev(datetime)) if m <= at), default=None)
        if candidate is not None:
            between = slots_between(expression, tz, candidate, at)
            return between[-1] if between else candidate
    raise ValueError("the expression never fired")


def slots_between(expression: str, tz: str, after: datetime, until: datetime, most: int = 1000) -> list[datetime]:
    """The slots in (after, until], oldest first; the newest `most` of them."""
    found: list[datetime] = []
    for slot in _slots(expression, ZoneInfo(tz), after):
        if slot > until:
            break
        found.append(slot)
        if len(found) > most:
            found.pop(0)
    return found


def _slots(expression: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """All slots after a moment, in order, each once.

    Wall times rise, and so does the first moment of each; a second moment (autumn) waits until its turn.
    """
    last = after.astimezone(UTC)
    local = last.astimezone(zone).replace(tzinfo=None)
    shifting = (last - AROUND).astimezone(zone).utcoffset() != (last + AROUND).astimezone(zone).utcoffset()
    walls = croniter(_read(expression), local - AROUND if shifting else local)
    waiting: list[datetime] = []
    while True:
        first, *second = _moments(expression, zone, walls.get_next(datetime))
        for moment in second:
            heappush(waiting, moment)
        heappush(waiting, first)
        while waiting and waiting[0] <= first:
            moment = heappop(waiting)
            if moment > last:
                last = moment
                yield moment


def _moments(expression: str, zone: ZoneInfo, naive: datetime) -> list[datetime]:
    """The moments (UTC) that a local wall time stands for: one, or two for a wildcard hour in autumn."""
    first = naive.replace(tzinfo=zone).astimezone(UTC)
    second = naive.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if second > first and expression.split()[1].startswith("*"):
        return [first, second]
    if second < first:  # the time does not exist: both readings are off by the gap; the jump itself is what counts
        return [first.astimezone(zone).replace(minute=0, second=0, microsecond=0).astimezone(UTC)]
    return [first]
