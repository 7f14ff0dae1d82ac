"""What meters come to: always what the events come to, whether their hours were summed up or not."""

import itertools
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import Organization, User
from apps.core.errors import ConflictError, DomainError
from apps.core.kinds import Dimension, Meter
from apps.core.registry import registry
from apps.usage import measuring
from apps.usage.measuring import Row, Window, measure, meter_named
from apps.usage.meters import ACTIVE_KEYS, ACTIVE_USERS, API_CALLS, CALLS, METERS, TOKENS
from apps.usage.models import NOBODY, UsageEvent, UsageHour, UsageHourToSum
from apps.usage.services.corrections import correct
from apps.usage.services.summing import sum_up_nightly
from tests.common.gates import record, sum_up_all
from tests.common.roles import make_organization

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 31, 21, tzinfo=UTC)  # so that the next hours belong to another day and month
BEGIN, END = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
KEYS = [NOBODY, uuid.UUID(int=1), uuid.UUID(int=2)]
PEOPLE = [NOBODY, uuid.UUID(int=3), uuid.UUID(int=4)]
COUNTED = Meter("tried_count", "Events", API_CALLS, "count")
LARGEST = Meter("tried_max", "Largest", API_CALLS, "max")
TRIED = (COUNTED, LARGEST, *METERS)


@pytest.fixture(autouse=True)
def _clock() -> Any:
    with time_machine.travel(NOON + timedelta(hours=9), tick=False):
        yield


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def value(organization: Organization, meter: Meter, begin: datetime = BEGIN, end: datetime = END) -> int:
    return sum(row.value for row in measure(organization, meter, begin, end))


# By plain Python ------------------------------------------------------------------------------------------------------
def by_hand(
    events: Sequence[UsageEvent], meter: Meter, begin: datetime, end: datetime, by: Sequence[str], window: str | None
) -> dict[Any, int]:
    """What `measure` has to say, from the raw events alone."""
    of_meter = [event for event in events if event.meter == meter.of and begin <= event.hour < end]
    found: dict[Any, list[UsageEvent]] = defaultdict(list)
    for event in of_meter:
        found[_start(event.hour, window) or begin, tuple(getattr(event, name) for name in by)].append(event)
    gone = {(event.hour, event.corrects) for event in of_meter if event.corrects}
    figures = {group: _figure(meter, portion, gone) for group, portion in found.items()}
    return {group: figure for group, figure in figures.items() if figure}


def _start(hour: datetime, window: str | None) -> datetime | None:
    day = hour.replace(hour=0)
    return {"hour": hour, "day": day, "month": day.replace(day=1), None: None}[window]


def _figure(meter: Meter, events: Iterable[UsageEvent], gone: set[Any]) -> int:
    if meter.aggregation == "sum":
        return sum(event.value for event in events)
    if meter.aggregation == "count":
        return sum(-1 if event.corrects else 1 for event in events)
    if meter.aggregation == "max":
        kept = [event for event in events if not event.corrects and (event.hour, event.source_id) not in gone]
        return max((event.value for event in kept), default=0)
    sums: dict[uuid.UUID, int] = defaultdict(int)
    for event in events:
        sums[getattr(event, str(meter.counts))] += event.value
    return sum(total > 0 for key, total in sums.items() if key != NOBODY)


one_event = st.fixed_dictionaries(
    {
        "hours": st.integers(0, 5),
        "meter": st.sampled_from([API_CALLS, API_CALLS, TOKENS]),
        "category": st.sampled_from(["runs", "ping"]),
        "key_id": st.sampled_from(KEYS),
        "user_id": st.sampled_from(PEOPLE),
        "value": st.integers(1, 9),
    }
)
steps = st.lists(
    st.one_of(
        one_event,
        one_event,
        st.tuples(st.sampled_from(["staff", "gate"]), st.integers(0, 30), st.integers(0, 1)),
        st.sampled_from(["hourly", "nightly"]),
    ),
    min_size=5,
    max_size=25,
)
questions = st.tuples(
    st.lists(st.sampled_from(["category", "key_id", "user_id"]), max_size=3, unique=True),
    st.sampled_from([None, "hour", "day", "month"]),
    st.integers(-1, 4),
    st.integers(1, 8),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps, asked=st.lists(questions, min_size=2, max_size=2))
def test_it_is_what_the_events_come_to(
    organization: Organization, owner: User, steps: list[Any], asked: list[tuple[Any, ...]]
) -> None:
    """Whatever is counted, taken back by the gate or by staff, and summed up, in any order."""
    for model in (UsageEvent, UsageHour, UsageHourToSum):
        model.objects.unscoped().delete()
    events: list[UsageEvent] = []
    for step in steps:
        if step == "hourly":
            sum_up_all()
        elif step == "nightly":
            sum_up_nightly(NOON)
        elif isinstance(step, dict):
            events.append(record(organization, at(step["hours"]), **{k: v for k, v in step.items() if k != "hours"}))
        elif events:
            _take_back(organization, events, *step)
    for meter, (wanted, window, first, hours) in itertools.product(TRIED, [*asked, ([], None, 0, 8)]):
        by = [name for name in wanted if name in meter.group_by]
        begin, end = at(first), at(first + hours)
        rows = measure(organization, meter, begin, end, by, window)
        assert {(row.start, row.group): row.value for row in rows} == by_hand(events, meter, begin, end, by, window)
        assert rows == sorted(rows, key=lambda row: (row.start, row.group))


def _take_back(organization: Organization, events: list[UsageEvent], who: str, index: int, later: int) -> None:
    """As the gate does, perhaps in the next hour, or as staff do. What was taken back stays so."""
    event = events[index % len(events)]
    if who == "staff":
        with suppress(ConflictError):
            events.append(correct(event, "counted twice"))
    elif not event.corrects and event.source_id not in {one.corrects for one in events}:
        same = {name: getattr(event, name) for name in ("meter", "category", "key_id", "user_id")}
        moment = event.at + timedelta(hours=later)
        events.append(record(organization, moment, value=-event.value, corrects=event.source_id, **same))


# One at a time --------------------------------------------------------------------------------------------------------
def test_the_present_second_counts(organization: Organization) -> None:
    record(organization, at(0))
    sum_up_all()
    record(organization, at(0.5))
    assert value(organization, CALLS) == 2
    assert UsageHour.objects.for_organization(organization).get().total == 1, "no job came"


def test_nobody_is_no_active_person(organization: Organization, owner: User) -> None:
    for fields in ({}, {"user_id": owner.pk}, {"user_id": owner.pk, "key_id": KEYS[1]}, {"key_id": KEYS[1]}):
        record(organization, at(0), **fields)
    for _summed in range(2):
        assert (value(organization, ACTIVE_USERS), value(organization, ACTIVE_KEYS)) == (1, 1)
        rows = measure(organization, ACTIVE_USERS, BEGIN, END, ["key_id"], "month")
        assert [row.group for row in rows] == [(NOBODY,), (KEYS[1],)]
        sum_up_all()


def test_who_is_active_in_two_windows_counts_in_both_and_once_in_all(organization: Organization) -> None:
    for hours in (0, 1, 5):
        record(organization, at(hours), key_id=KEYS[1])
    windows: tuple[tuple[Window | None, int], ...] = (("hour", 3), ("day", 2), ("month", 2), (None, 1))
    for window, rows in windows:
        assert [row.value for row in measure(organization, ACTIVE_KEYS, BEGIN, END, (), window)] == [1] * rows, window


def test_the_range_includes_its_begin_and_not_its_end(organization: Organization) -> None:
    for hours in (-0.001, 0, 0.999, 1):
        record(organization, at(hours))
    for _summed in range(2):
        assert value(organization, CALLS, at(0), at(1)) == 2
        assert measure(organization, CALLS, at(0), at(1), (), "day") == [Row(NOON.replace(hour=0), (), 2)]
        sum_up_all()


def test_figures_of_others_are_theirs(organization: Organization, owner: User) -> None:
    other = make_organization(owner, "Elsewhere")
    record(other, at(0), value=5)
    sum_up_all()
    record(organization, at(0), value=2)
    assert value(organization, CALLS) == 2, "an hour of one waits, the same of another does not"
    assert value(other, CALLS) == 5


@pytest.mark.parametrize("meter", TRIED, ids=lambda meter: meter.name)
def test_one_query_whatever_is_asked(meter: Meter, organization: Organization) -> None:
    for hours in range(6):
        record(organization, at(hours), meter=meter.of, key_id=KEYS[1], user_id=PEOPLE[1], value=hours + 1)
        if hours == 3:
            sum_up_all()
    with CaptureQueriesContext(connection) as asked:
        assert len(measure(organization, meter, BEGIN, END, meter.group_by, "hour")) == 6
    assert len(asked) == 1


# What is refused ------------------------------------------------------------------------------------------------------
Asked = Callable[[Organization], list[Row]]
REFUSED: list[tuple[str, Asked]] = [
    ("invalid_from", lambda own: measure(own, CALLS, at(0.5), at(1))),
    ("invalid_to", lambda own: measure(own, CALLS, at(0), at(1.5))),
    ("invalid_from", lambda own: measure(own, CALLS, at(1), at(1))),
    ("limit_exceeded", lambda own: measure(own, CALLS, at(0), at(24 * 400 + 1))),
    ("invalid_by", lambda own: measure(own, CALLS, at(0), at(1), ["category", "category"])),
    ("invalid_by", lambda own: measure(own, ACTIVE_KEYS, at(0), at(1), ["key_id"])),
]


@pytest.mark.parametrize(("code", "asked"), REFUSED)
def test_what_makes_no_sense_is_refused(organization: Organization, code: str, asked: Asked) -> None:
    with pytest.raises(DomainError) as refused:
        asked(organization)
    assert (refused.value.code, refused.value.status) == (code, 422)


def test_four_hundred_days_can_be_asked_for(organization: Organization) -> None:
    record(organization, at(0))
    assert value(organization, CALLS, at(0), at(24 * 400)) == 1


def test_too_many_figures_are_refused(organization: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "MOST_ROWS", 3)
    for hours in range(3):
        record(organization, at(hours))
    assert len(measure(organization, CALLS, BEGIN, END, (), "hour")) == 3
    record(organization, at(3))
    with pytest.raises(DomainError, match="more than 3 figures") as refused:
        measure(organization, CALLS, BEGIN, END, (), "hour")
    assert refused.value.code == "limit_exceeded"


# Which there are ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("meter", registry(Meter).all(), ids=lambda meter: meter.name)
def test_each_meter_makes_sense(meter: Meter) -> None:
    dimensions: set[Dimension | None] = {"category", "key_id", "user_id"}
    assert meter_named(meter.name) == meter
    assert (meter.counts is not None) == (meter.aggregation == "unique")
    assert set(meter.group_by) <= dimensions - {meter.counts}


def test_a_meter_that_nobody_declared_is_not_there() -> None:
    with pytest.raises(DomainError) as refused:
        meter_named("nonsense")
    assert refused.value.code == "not_found"
