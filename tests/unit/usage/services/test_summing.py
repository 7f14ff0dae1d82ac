"""Sums by hour: always those of the events, however often and whenever they are made."""

import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection, connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core.ids import new_id
from apps.usage.models import UsageEvent, UsageHour, UsageHourToSum
from apps.usage.services import summing
from apps.usage.services.recording import record_events
from apps.usage.services.summing import sum_up, sum_up_hourly, sum_up_nightly
from tests.common.gates import record
from tests.common.roles import make_organization
from tests.common.threads import run_in_threads

pytestmark = pytest.mark.django_db
HOUR = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _clock():
    with time_machine.travel(HOUR + timedelta(hours=3), tick=False):
        yield


def sums(organization):
    rows = UsageHour.objects.for_organization(organization).order_by("hour", "category", "total")
    return list(rows.values_list("hour", "category", "total", "events", "highest"))


def at(minutes):
    return HOUR + timedelta(minutes=minutes)


def test_hours_are_summed(organization):
    for minutes, category, value in ((0, "runs", 1), (59.99, "runs", 4), (30, "ping", 1), (60, "runs", 1)):
        record(organization, at(minutes), category=category, value=value)
    assert sum_up() == 2
    assert sums(organization) == [(HOUR, "ping", 1, 1, 1), (HOUR, "runs", 5, 2, 4), (at(60), "runs", 1, 1, 1)]
    assert not UsageHourToSum.objects.unscoped().exists()


def test_the_present_hour_waits_until_it_is_over(organization):
    record(organization, at(179))
    record(organization, at(180))
    assert sum_up() == 1
    assert [row[0] for row in sums(organization)] == [at(120)]
    with time_machine.travel(at(240), tick=False):
        assert sum_up() == 1
    assert [row[0] for row in sums(organization)] == [at(120), at(180)]


def test_users_keys_meters_and_organizations_apart(organization, owner):
    other = make_organization(owner, "Other")
    for fields in ({"user_id": new_id()}, {"key_id": new_id()}, {"meter": "tokens"}, {}):
        record(organization, HOUR, **fields)
    record(other, HOUR)
    sum_up()
    assert [row[2:4] for row in sums(organization)] == [(1, 1)] * 4
    assert len(sums(other)) == 1


def test_twice_gives_the_same_rows(organization):
    record(organization, HOUR, value=2)
    sum_up_hourly(HOUR)
    first = list(UsageHour.objects.unscoped().values())
    assert sum_up() == 0
    sum_up_nightly(HOUR)
    sum_up_nightly(HOUR)
    assert list(UsageHour.objects.unscoped().values()) == first


def test_a_late_event_and_a_correction_are_summed_with_the_rest(organization):
    first = record(organization, HOUR)
    sum_up()
    record(organization, HOUR)
    record(organization, HOUR, value=-1, corrects=first.source_id)
    assert sum_up() == 1
    assert sums(organization) == [(HOUR, "runs", 1, 1, 1)]


def test_corrected_to_nothing(organization):
    first = record(organization, HOUR, value=4)
    record(organization, HOUR, value=-4, corrects=first.source_id)
    sum_up()
    assert sums(organization) == [(HOUR, "runs", 0, 0, None)]


def test_what_two_take_back_is_summed_once(organization):
    first = record(organization, HOUR, value=4)
    for _time in range(2):
        record(organization, HOUR, value=-4, corrects=first.source_id)
    sum_up()
    assert sums(organization) == [(HOUR, "runs", -4, -1, None)]


def test_the_largest_is_of_what_was_not_taken_back(organization, owner):
    """In its own hour: a correction in the next changes only that hour's sums."""
    values = {value: record(organization, HOUR, value=value) for value in (9, 7, 5)}
    record(organization, HOUR, value=-9, corrects=values[9].source_id)
    record(organization, at(60), value=-7, corrects=values[7].source_id)
    record(make_organization(owner, "Other"), HOUR, value=-5, corrects=values[5].source_id)
    record(organization, HOUR, meter="tokens", value=-5, corrects=values[5].source_id)
    sum_up()
    found = [row for row in sums(organization) if row[2] != -5]
    assert found == [(HOUR, "runs", 12, 2, 7), (at(60), "runs", -7, -1, None)]


def test_many_hours_in_turns(organization, monkeypatch):
    monkeypatch.setattr(summing, "HOURS_AT_A_TIME", 2)
    for hours in range(5):
        record(organization, at(-60 * hours))
    assert sum_up() == 5
    assert len(sums(organization)) == 5


def test_the_nightly_job_puts_the_last_two_days_right(organization):
    record(organization, at(-60 * 24 * 3), value=7)
    for hours in (0, 44):
        record(organization, at(-60 * hours))
    sum_up()
    UsageHour.objects.unscoped().update(total=99)
    assert sum_up_nightly(HOUR) == "2 hours summed up"
    assert [row[2] for row in sums(organization)] == [99, 1, 1]


def test_killed_in_the_middle_nothing_is_lost(organization, monkeypatch):
    record(organization, HOUR)
    monkeypatch.setattr(summing, "_SUMS", "SELECT no_such_column FROM {events} WHERE TRUE")
    with pytest.raises(Exception, match="no_such_column"), transaction.atomic():
        sum_up()
    monkeypatch.undo()
    assert sum_up() == 1
    assert sums(organization) == [(HOUR, "runs", 1, 1, 1)]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.tuples(st.integers(0, 2), st.sampled_from(["runs", "ping"]), st.integers(-3, 9)),
            st.sampled_from(["hourly", "nightly"]),
        ),
        max_size=20,
    )
)
def test_sums_are_those_of_the_events(organization, steps):
    UsageEvent.objects.unscoped().delete()
    UsageHour.objects.unscoped().delete()
    expected = {}
    for step in [*steps, "hourly"]:
        if step == "hourly":
            sum_up()
        elif step == "nightly":
            sum_up_nightly(HOUR)
        else:
            hours, category, value = step
            record(organization, at(60 * hours), category=category, value=value)
            expected.setdefault((at(60 * hours), category), []).append(value)
    found = {row[:2]: row[2:] for row in sums(organization)}
    assert found == {key: (sum(values), len(values), max(values)) for key, values in expected.items()}


def needs_row_locks():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")


def insert(organization):
    """An event with all that follows, in the transaction that is open."""
    event = UsageEvent(
        organization=organization, at=HOUR, hour=HOUR, meter="api_calls", category="runs", value=1, source="test",
        source_id=new_id().hex,
    )  # fmt: skip
    record_events([event], ["2026-11"])


@pytest.mark.django_db(transaction=True)
def test_an_event_that_comes_while_its_hour_is_summed(organization):
    needs_row_locks()
    record(organization, HOUR)
    summed = threading.Event()

    def sum_slowly():
        def wait_before_delete(execute, sql, params, many, context):
            if sql.startswith("DELETE"):
                summed.set()
                until_somebody_waits()
            return execute(sql, params, many, context)

        with connection.execute_wrapper(wait_before_delete):
            return sum_up()

    def record_meanwhile():
        summed.wait(20)
        with transaction.atomic():
            insert(organization)

    run_in_threads(sum_slowly, record_meanwhile)
    assert sums(organization) == [(HOUR, "runs", 1, 1, 1)], "it was not there yet"
    assert sum_up() == 1
    assert sums(organization) == [(HOUR, "runs", 2, 2, 1)]


def until_somebody_waits():
    """Until a transaction waits for a lock of ours, which it would get only by mistake."""
    with closing(connections.create_connection("default")) as other, other.cursor() as cursor:
        for _look in range(20_000):
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
    pytest.fail("nobody waited")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("noted_before", [True, False])
def test_an_event_whose_transaction_is_still_open(organization, noted_before):
    needs_row_locks()
    if noted_before:
        record(organization, HOUR, category="ping")
    inserted, looked = threading.Event(), threading.Event()

    def record_slowly():
        with transaction.atomic():
            insert(organization)
            inserted.set()
            looked.wait(20)

    def sum_meanwhile():
        inserted.wait(20)
        try:
            return sum_up()
        finally:
            looked.set()

    assert run_in_threads(record_slowly, sum_meanwhile)[1] == 0
    assert sum_up() == 1
    assert (HOUR, "runs", 1, 1, 1) in sums(organization)


@pytest.mark.django_db(transaction=True)
def test_several_at_once(organization, monkeypatch):
    needs_row_locks()
    monkeypatch.setattr(summing, "HOURS_AT_A_TIME", 3)
    for hours in range(12):
        record(organization, at(-60 * hours))

    def record_more():
        for hours in range(12):
            record(organization, at(-60 * hours))

    run_in_threads(sum_up, sum_up, record_more, record_more, lambda: sum_up_nightly(HOUR))
    sum_up()
    assert [row[2] for row in sums(organization)] == [3] * 12
