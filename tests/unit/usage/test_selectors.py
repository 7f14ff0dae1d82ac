"""How an organization stands, and the events behind its figures."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core.clock import now
from apps.core.errors import InvalidInputError
from apps.core.ids import new_id
from apps.usage.gate.either import gate
from apps.usage.limits import limits_of, set_limits
from apps.usage.models import UsageHour, UsageTotal
from apps.usage.periods import period_named
from apps.usage.selectors import events_behind, standing
from apps.usage.services.corrections import correct
from tests.common.gates import call_of, record, sum_up_all
from tests.common.roles import make_organization

pytestmark = pytest.mark.django_db


def test_standing_is_exact_up_to_this_call(organization, owner):
    set_limits(organization, "sandbox")
    for category in ("runs", "ping", "runs"):
        call = call_of(organization, limits_of(organization), category=category)
        gate.ask(lambda port, call=call: port.admit(call))
    record(make_organization(owner, "Other"), now())
    found = standing(organization)
    assert (found.used, found.remaining, found.percent) == (3, 997, 0)
    assert list(found.by_category.items()) == [("ping", 1), ("runs", 2)]


def test_tokens_are_told_apart_from_calls(organization):
    record(organization, now(), meter="tokens", value=41, category="summary")
    found = standing(organization)
    assert (found.tokens, found.used) == (41, 0)


@pytest.mark.parametrize(
    ("plan", "used", "remaining", "percent"),
    [("sandbox", 799, 201, 79), ("usage_developer", 12_345, 0, 123), ("enterprise", 5, None, None)],
)
def test_what_is_left(organization, plan, used, remaining, percent):
    set_limits(organization, plan)
    record(organization, now(), value=used)
    found = standing(organization)
    assert (found.used, found.remaining, found.percent) == (used, remaining, percent)


def test_a_quota_of_nothing_has_no_share(organization):
    set_limits(organization, "sandbox", calls=0)
    assert (standing(organization).remaining, standing(organization).percent) == (0, None)


# Down to the events ---------------------------------------------------------------------------------------------------
HOUR = datetime(2026, 11, 30, 23, tzinfo=UTC)


def all_behind(organization, begin, end, *, limit=2, of="api_calls", **group):
    """Page after page."""
    found, cursor = [], None
    while True:
        page = events_behind(organization, of, begin, end, cursor=cursor, limit=limit, **group)
        assert len(page.rows) <= limit
        found += page.rows
        cursor = page.next_cursor
        if cursor is None:
            return found


@pytest.fixture
def recorded(organization, owner):
    """Events of three hours in two months, some of them corrected, and what is no part of the figures."""
    key = new_id()
    made = [
        record(organization, HOUR + timedelta(minutes=20 * number), value=number + 1, category=category, key_id=key)
        for number, category in enumerate(["runs", "ping", "runs", "runs", "runs", "ping", "runs"])
    ]
    made += [correct(made[number], "counted twice") for number in (2, 4)]
    record(organization, HOUR, meter="tokens", value=1_000)
    record(make_organization(owner, "Other"), HOUR, value=500)
    with time_machine.travel(HOUR + timedelta(hours=2), tick=False):
        sum_up_all()
    return made


def test_the_events_behind_an_hour_come_to_its_sum(organization, recorded):
    rows = list(UsageHour.objects.for_organization(organization).filter(meter="api_calls"))
    assert len(rows) == 5
    for row in rows:
        group = {name: getattr(row, name) for name in ("category", "key_id", "user_id")}
        behind = all_behind(organization, row.hour, row.hour + timedelta(hours=1), **group)
        assert sum(event.value for event in behind) == row.total
        assert {event.hour for event in behind} == {row.hour}


def test_the_events_behind_a_period_come_to_its_total(organization, recorded):
    totals = UsageTotal.objects.for_organization(organization).filter(meter="api_calls")
    assert {row.period for row in totals} == {"2026-11", "2026-12"}
    for row in totals:
        period, group = period_named(row.period), {"category": row.category} if row.category else {}
        behind = all_behind(organization, period.start, period.end, **group)
        assert sum(event.value for event in behind) == row.total


@pytest.mark.parametrize("limit", [1, 2, 3, 9, 50])
def test_pages_hold_each_event_once_the_newest_first(limit, organization, recorded):
    wanted = sorted(recorded, key=lambda event: (event.hour, event.pk), reverse=True)
    assert all_behind(organization, HOUR, HOUR + timedelta(days=1), limit=limit) == wanted


def test_what_comes_meanwhile_shifts_no_page(organization, recorded):
    day = (HOUR, HOUR + timedelta(days=1))
    first = events_behind(organization, "api_calls", *day, limit=4)
    record(organization, HOUR + timedelta(hours=3))
    rest = events_behind(organization, "api_calls", *day, cursor=first.next_cursor, limit=50)
    assert {event.pk for event in [*first.rows, *rest.rows]} == {event.pk for event in recorded}


def test_a_page_is_one_query(organization, recorded):
    cursor = None
    for _page in range(2):
        with CaptureQueriesContext(connection) as asked:
            page = events_behind(organization, "api_calls", HOUR, HOUR + timedelta(days=1), cursor=cursor, limit=3)
        cursor = page.next_cursor
        assert len(asked) == 1


@pytest.mark.parametrize("cursor", ["x", "1", "1.", ".1", "1.x", "١.1", "1" * 11 + ".1", "1." + "9" * 19])
def test_a_cursor_of_no_page_is_refused(cursor, organization):
    with pytest.raises(InvalidInputError) as refused:
        events_behind(organization, "api_calls", HOUR, HOUR + timedelta(hours=1), cursor=cursor)
    assert refused.value.code == "invalid_cursor"
