"""Cron in a time zone, against stepping through the minutes one by one."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from apps.core import cron

LONDON, NEW_YORK, LORD_HOWE = "Europe/London", "America/New_York", "Australia/Lord_Howe"
MINUTE = timedelta(minutes=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def texts(slots: list[datetime]) -> list[str]:
    return [f"{slot:%m-%d %H:%M}" for slot in slots]


@lru_cache
def allowed(field: str, low: int, high: int) -> frozenset[int]:
    """The numbers that one cron field names; our own reading, independent of any library."""
    numbers: set[int] = set()
    for part in field.split(","):
        span, _, stride = part.partition("/")
        first, _, last = span.partition("-")
        start, end = (low, high) if span == "*" else (int(first), int(last or first))
        numbers.update(range(start, end + 1, int(stride or 1)))
    return frozenset(numbers)


def matches(expression: str, wall: datetime) -> bool:
    """Whether a wall time is one of the expression's (which restricts day or weekday, not both)."""
    minute, hour, day, month, weekday = expression.split()
    return (
        wall.minute in allowed(minute, 0, 59)
        and wall.hour in allowed(hour, 0, 23)
        and wall.day in allowed(day, 1, 31)
        and wall.month in allowed(month, 1, 12)
        and wall.isoweekday() % 7 in allowed(weekday, 0, 6)
    )


def stepped(expression: str, tz: str, after: datetime, until: datetime) -> list[datetime]:
    """The documented meaning, minute by minute: skipped wall times count at the jump; repeated ones count the first
    time only, unless the hour is a wildcard."""
    zone = ZoneInfo(tz)
    wild = expression.split()[1].startswith("*")
    slots = []
    moment = after.replace(second=0, microsecond=0)
    previous = (moment - MINUTE).astimezone(zone).replace(tzinfo=None)
    while moment <= until:
        local = moment.astimezone(zone)
        wall = local.replace(tzinfo=None, fold=0)
        skipped = [previous + MINUTE * n for n in range(1, (wall - previous) // MINUTE)]
        hit = any(matches(expression, each) for each in [*skipped, wall])
        if hit and moment > after and (wild or not local.fold):
            slots.append(moment)
        previous, moment = wall, moment + MINUTE
    return slots


# Changes of clocks, named one by one -------------------------------------------------------------------------------
# London: 01:00 → 02:00 at 01:00 UTC on 29 March 2026, 02:00 → 01:00 at 01:00 UTC on 25 October.
# New York: 02:00 → 03:00 at 07:00 UTC on 8 March 2026, 02:00 → 01:00 at 06:00 UTC on 1 November.
# Lord Howe: 02:00 → 02:30 at 15:30 UTC on 3 October 2026, 02:00 → 01:30 at 15:00 UTC on 4 April.
CHANGES = """
    30 1 * * *   | Europe/London       | 2026-03-28T00:00 | 2026-03-31T00:00 | 03-28 01:30, 03-29 01:00, 03-30 00:30
    */30 * * * * | Europe/London       | 2026-03-29T00:00 | 2026-03-29T01:30 | 03-29 00:30, 03-29 01:00, 03-29 01:30
    30 1 * * *   | Europe/London       | 2026-10-24T12:00 | 2026-10-26T12:00 | 10-25 00:30, 10-26 01:30
    30 * * * *   | Europe/London       | 2026-10-24T23:00 | 2026-10-25T02:00 | 10-24 23:30, 10-25 00:30, 10-25 01:30
    15 2 * * *   | America/New_York    | 2026-03-07T00:00 | 2026-03-10T00:00 | 03-07 07:15, 03-08 07:00, 03-09 06:15
    15 1 * * *   | America/New_York    | 2026-10-31T00:00 | 2026-11-02T23:00 | 10-31 05:15, 11-01 05:15, 11-02 06:15
    0 * * * *    | America/New_York    | 2026-11-01T04:30 | 2026-11-01T07:30 | 11-01 05:00, 11-01 06:00, 11-01 07:00
    15 2 * * *   | Australia/Lord_Howe | 2026-10-02T00:00 | 2026-10-05T00:00 | 10-02 15:45, 10-03 15:30, 10-04 15:15
    45 1 * * *   | Australia/Lord_Howe | 2026-04-03T00:00 | 2026-04-05T23:00 | 04-03 14:45, 04-04 14:45, 04-05 15:15
    45 * * * *   | Australia/Lord_Howe | 2026-04-04T14:00 | 2026-04-04T16:30 | 04-04 14:45, 04-04 15:15, 04-04 16:15
"""


@pytest.mark.parametrize("line", CHANGES.strip().splitlines())
def test_when_clocks_change(line: str) -> None:
    expression, tz, after, until, expected = (part.strip() for part in line.split("|"))
    assert texts(cron.slots_between(expression, tz, at(after), at(until))) == expected.split(", ")
    assert texts(stepped(expression, tz, at(after), at(until))) == expected.split(", ")


# Any expression around any change, against stepping ----------------------------------------------------------------
def fields(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high).map(str)
    stride = st.sampled_from([2, 3, 7, 10, 15]).map(lambda n: f"*/{n}")
    span = st.tuples(st.integers(low, high), st.integers(low, high)).map(lambda p: f"{min(p)}-{max(p)}")
    listed = st.lists(st.integers(low, high), min_size=2, max_size=3, unique=True).map(
        lambda ns: ",".join(str(n) for n in sorted(ns))
    )
    return st.one_of(st.just("*"), number, stride, span, listed)


expressions = st.tuples(fields(0, 59), st.one_of(fields(0, 4), fields(0, 23)), st.sampled_from(["*", "*", "1-6"])).map(
    lambda parts: f"{parts[0]} {parts[1]} * * {parts[2]}"
)
changes = st.sampled_from(
    [
        (LONDON, "2026-03-29T01:00"),
        (LONDON, "2026-10-25T01:00"),
        (NEW_YORK, "2026-03-08T07:00"),
        (NEW_YORK, "2026-11-01T06:00"),
        (LORD_HOWE, "2026-10-03T15:30"),
        (LORD_HOWE, "2026-04-04T15:00"),
        ("Asia/Tokyo", "2026-06-15T12:00"),
    ]
)


@settings(max_examples=150, deadline=None)
@given(expressions, changes, st.integers(-400, 60))
@example("30 1 * * *", (LONDON, "2026-03-29T01:00"), -180)
@example("0,30 1,2 * * *", (NEW_YORK, "2026-03-08T07:00"), -60)
@example("*/15 1 * * *", (LORD_HOWE, "2026-04-04T15:00"), -120)
@example("*/7 2 * * *", (LORD_HOWE, "2026-10-03T15:30"), -120)
def test_slots_are_those_of_the_minutes(expression: str, change: tuple[str, str], offset: int) -> None:
    tz, moment = change
    after = at(moment) + offset * MINUTE
    until = after + timedelta(hours=9)
    expected = stepped(expression, tz, after, until)
    assert cron.slots_between(expression, tz, after, until) == expected
    if expected:
        assert cron.next_slot(expression, tz, after) == expected[0]
        assert cron.latest_slot(expression, tz, until) == expected[-1]
        assert cron.latest_slot(expression, tz, expected[-1]) == expected[-1]


@pytest.mark.parametrize(
    ("tz", "moment"), [(LONDON, "2026-03-29T01:00"), (LONDON, "2026-10-25T01:00"), (NEW_YORK, "2026-11-01T06:00")]
)
def test_latest_looks_back_over_a_change(tz: str, moment: str) -> None:
    for expression in ("30 1 * * *", "0 9 * * *", "0 0 1 * *"):
        now = at(moment) + timedelta(hours=5)
        expected = stepped(expression, tz, now - timedelta(days=40), now)[-1]
        assert cron.latest_slot(expression, tz, now) == expected


def test_only_the_newest_of_many_slots_are_kept() -> None:
    slots = cron.slots_between("* * * * *", "UTC", at("2026-01-01T00:00"), at("2026-01-01T10:00"), most=3)
    assert texts(slots) == ["01-01 09:58", "01-01 09:59", "01-01 10:00"]


def test_the_end_belongs_to_the_span_and_the_start_does_not() -> None:
    assert cron.slots_between("0 * * * *", "UTC", at("2026-01-01T00:00"), at("2026-01-01T01:00")) == [
        at("2026-01-01T01:00")
    ]


@pytest.mark.parametrize("hour", ["9-9", "9-9/2", "9", "9,9-9"])
def test_a_range_of_one_is_that_one(hour: str) -> None:
    slots = cron.slots_between(f"0 {hour} * * *", "UTC", at("2026-01-01T00:00"), at("2026-01-03T00:00"))
    assert texts(slots) == ["01-01 09:00", "01-02 09:00"]


def test_a_leap_day_is_found() -> None:
    assert cron.next_slot("0 0 29 2 *", "UTC", at("2026-01-01T00:00")) == at("2028-02-29T00:00")


@pytest.mark.parametrize(
    ("expression", "tz"),
    [("0 9 * * 1-5", LONDON), ("*/5 * * * *", "UTC"), ("0 0 1 1 *", NEW_YORK), ("0 0 29 2 *", "UTC")],
)
def test_good_schedules_pass(expression: str, tz: str) -> None:
    cron.check(expression, tz)


@pytest.mark.parametrize(
    ("expression", "tz", "told"),
    [
        ("0 9 * *", "UTC", "five-field"),
        ("0 9 * * * *", "UTC", "five-field"),
        ("@daily", "UTC", "five-field"),
        ("60 9 * * *", "UTC", "five-field"),
        ("x 9 * * *", "UTC", "five-field"),
        ("R 9 * * *", "UTC", "five-field"),
        ("0 9 L * *", "UTC", "five-field"),
        ("50-10 9 * * *", "UTC", "five-field"),
        ("*/0 9 * * *", "UTC", "five-field"),
        ("0 0 30 2 *", "UTC", "never fires"),
        ("0 " * 150, "UTC", "five-field"),
        ("0 9 * * *", "Mars/Olympus", "IANA"),
        ("0 9 * * *", "", "IANA"),
    ],
)  # fmt: skip
def test_bad_schedules_are_told(expression: str, tz: str, told: str) -> None:
    with pytest.raises(cron.InvalidScheduleError, match=told) as refused:
        cron.check(expression, tz)
    assert (refused.value.status, refused.value.code) == (422, "invalid_schedule")
