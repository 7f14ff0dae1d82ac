"""Uptime, against counting minute by minute."""

import random
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core.kinds import StatusComponent
from apps.core.registry import contributed
from apps.monitoring.intervals import DAY, MINUTE, start_of
from apps.monitoring.models import Incident, IncidentComponent, Probe, UptimeDay
from apps.monitoring.selectors import uptime
from apps.monitoring.services.probing import forget_minutes, roll_up

pytestmark = pytest.mark.django_db

# The change of London's clocks lies between these, and between `FIRST` and `NOW` the end of a month.
FIRST, LAST = datetime(2026, 3, 28, 18, 30, tzinfo=UTC), datetime(2026, 3, 30, 12, 0, tzinfo=UTC)
NOW = datetime(2026, 4, 1, 12, 0, 40, tzinfo=UTC)
NAME = "tried"


def probe(component: str, minute: datetime, up: bool = True, **more) -> Probe:
    return Probe(component=component, minute=minute, up=up, **more)


def maintain(
    component: str, starts: datetime, ends: datetime, told: datetime, over: datetime | None = None
) -> Incident:
    state = Incident.State.COMPLETED if over else Incident.State.SCHEDULED
    made = Incident.objects.create(
        kind="maintenance",
        title="Work",
        state=state,
        impact="maintenance",
        began_at=starts,
        starts_at=starts,
        ends_at=ends,
        created_at=told,
        over_at=over,
    )
    IncidentComponent.objects.create(incident=made, component=component, effect="under_maintenance")
    return made


def naive(minutes_up: set[datetime], windows, start: datetime, end: datetime) -> tuple[int, int]:
    """One minute after the other."""
    expected = up = 0
    minute = max(start, FIRST)
    while minute < min(end, LAST):
        if not any(begin <= minute < finish for begin, finish in windows):
            expected += 1
            up += minute in minutes_up
        minute += MINUTE
    return expected, up


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10_000),
    rolled=st.booleans(),
    ranges=st.lists(st.tuples(st.integers(-500, 3_000), st.integers(1, 3_000)), min_size=3, max_size=6),
)
def test_it_is_what_counting_each_minute_says(seed, rolled, ranges):
    for model in (Probe, UptimeDay, Incident):
        model.objects.all().delete()
    chance = random.Random(seed)
    every = [FIRST + number * MINUTE for number in range((LAST - FIRST) // MINUTE)]
    seen = [minute for minute in every if minute == FIRST or chance.random() > 0.02]  # some minutes nobody looked
    state = {minute: chance.random() > 0.03 for minute in seen}
    Probe.objects.bulk_create([probe(NAME, minute, up) for minute, up in state.items()], batch_size=2_000)
    begins = FIRST + timedelta(hours=chance.randrange(40), minutes=chance.randrange(60))
    finishes = begins + timedelta(minutes=chance.randrange(5, 600))
    told = begins + timedelta(minutes=chance.choice((-60, 3)))  # one that was announced late counts from then on
    maintain(NAME, begins, finishes, told)
    windows = [(max(begins, told), finishes)]
    here = LAST + timedelta(seconds=40)
    with time_machine.travel(here, tick=False), contributed(StatusComponent(NAME, "Tried", "", lambda: "")):
        if rolled:
            roll_up(here)
        for offset, length in ranges:
            start = FIRST + offset * MINUTE
            found = uptime.uptime(NAME, start, start + length * MINUTE)
            wanted = naive({minute for minute, up in state.items() if up}, windows, start, start + length * MINUTE)
            assert (found.expected, found.up) == wanted


def test_nobody_knows_what_was_never_looked_at(db):
    found = uptime.uptime(NAME, FIRST, NOW)
    assert (found.expected, found.share) == (0, None)


@time_machine.travel(NOW, tick=False)
def test_a_minute_without_a_probe_is_down():
    minute = datetime(2026, 4, 1, 11, 0, tzinfo=UTC)
    Probe.objects.bulk_create([probe(NAME, minute + number * MINUTE) for number in range(60) if number != 7])
    found = uptime.uptime(NAME, minute - DAY, NOW)
    assert (found.expected, found.up) == (60, 59)


@time_machine.travel(NOW, tick=False)
def test_minutes_that_nobody_measured_are_told_apart_from_outages():
    day = datetime(2026, 3, 30, tzinfo=UTC)
    Probe.objects.bulk_create([probe(NAME, day + number * MINUTE, number != 9) for number in range(1440) if number % 7])
    missed = len(range(7, 1440, 7))  # before the first probe nothing counts
    found = uptime.uptime(NAME, day, day + DAY)
    assert (found.expected - found.up, found.unmeasured) == (missed + 1, missed)
    with contributed(StatusComponent(NAME, "Tried", "", lambda: "")):
        roll_up(NOW)
    assert uptime.uptime(NAME, day, day + DAY) == found, "also once the day is added up"


@time_machine.travel(NOW, tick=False)
def test_an_outage_does_not_become_maintenance_afterwards():
    minute = datetime(2026, 4, 1, 11, 0, tzinfo=UTC)
    Probe.objects.bulk_create([probe(NAME, minute + number * MINUTE, number < 30) for number in range(60)])
    maintain(NAME, minute + 30 * MINUTE, minute + 61 * MINUTE, told=NOW)
    assert uptime.uptime(NAME, minute, NOW).up == 30
    assert uptime.uptime(NAME, minute, NOW).expected == 60


@time_machine.travel(NOW, tick=False)
def test_days_say_the_same_before_and_after_they_are_added_up():
    day = datetime(2026, 3, 30, tzinfo=UTC)
    Probe.objects.bulk_create(
        [probe(NAME, day + number * MINUTE, number % 100 != 0, latency_ms=20) for number in range(2 * 1440)]
    )
    before = uptime.days([NAME], day.date() - DAY, NOW.date())
    with contributed(StatusComponent(NAME, "Tried", "", lambda: "")):
        assert roll_up(NOW) == 2
        assert roll_up(NOW) == 0
    after = uptime.days([NAME], day.date() - DAY, NOW.date())
    assert before == after
    assert set(after[NAME]) == {day.date(), day.date() + DAY, NOW.date()}
    assert after[NAME][NOW.date()].up == 0  # nobody looked today
    assert UptimeDay.objects.get(component=NAME, day=day.date()).latency_ms == 20


def test_old_minutes_go_once_their_day_is_added_up(django_assert_max_num_queries):
    old = start_of(NOW.date() - timedelta(days=60))
    Probe.objects.bulk_create([probe(NAME, old + number * MINUTE) for number in range(100)])
    with time_machine.travel(NOW, tick=False), contributed(StatusComponent(NAME, "Tried", "", lambda: "")):
        assert forget_minutes(NOW) == 0
        roll_up(NOW)
        assert forget_minutes(NOW) == 100
        found = uptime.uptime(NAME, old, old + 100 * MINUTE)
        assert found.up == 0  # of what is so old only whole days are known
        assert uptime.uptime(NAME, old, old + DAY).up == 100


@time_machine.travel(NOW, tick=False)
def test_many_components_cost_no_more_queries_than_one(django_assert_max_num_queries):
    names = [f"part{number}" for number in range(20)]
    minute = datetime(2026, 4, 1, 11, 0, tzinfo=UTC)
    Probe.objects.bulk_create([probe(name, minute) for name in names])
    with django_assert_max_num_queries(6):
        assert len(uptime.uptimes(names, minute - DAY, NOW)) == 20


@time_machine.travel(NOW, tick=False)
def test_the_last_minutes():
    minute = datetime(2026, 4, 1, 11, 57, tzinfo=UTC)
    Probe.objects.bulk_create([probe(NAME, minute), probe(NAME, minute + 2 * MINUTE)])
    assert uptime.last_minutes([NAME], 4) == {NAME: [True, False, True, None]}


def test_the_pulse_has_all_components_together():
    start = NOW.replace(second=0) - timedelta(minutes=20)
    with time_machine.travel(NOW, tick=False):
        assert uptime.uptime_percent(start, NOW) is None
        for name, up in (("api", True), ("website", False)):
            Probe.objects.bulk_create(probe(name, start + number * MINUTE, up) for number in range(10))
        found = uptime.uptime_percent(start, start + 10 * MINUTE)
    assert found == 50
