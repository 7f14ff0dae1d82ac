"""How an organization stands, and what it used day by day."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from apps.core.clock import now
from apps.core.ids import new_id
from apps.usage.gate.either import gate
from apps.usage.limits import limits_of, set_limits
from apps.usage.selectors import calls_by_hour, calls_per_day, standing
from apps.usage.services.summing import sum_up
from tests.common.gates import call_of, record
from tests.common.roles import make_organization

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.fixture
def _noon():
    with time_machine.travel(NOON, tick=False):
        yield


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


@pytest.mark.usefixtures("_noon")
def test_days_with_and_without_calls(organization, owner):
    key = new_id()
    midnight = datetime(2026, 11, 27, tzinfo=UTC)
    for at, fields in (
        (NOON, {"key_id": key}),
        (midnight, {"category": "ping"}),
        (midnight - timedelta(seconds=1), {"value": 5}),
        (midnight - timedelta(days=29), {}),
        (midnight - timedelta(days=29, seconds=1), {}),
        (NOON, {"meter": "tokens"}),
    ):
        record(organization, at, **fields)
    record(make_organization(owner, "Other"), NOON)
    sum_up()
    days = calls_per_day(organization, "category")
    assert [day for day, _calls in days] == [date(2026, 10, 29) + timedelta(days=number) for number in range(30)]
    assert {day: calls for day, calls in days if calls} == {
        date(2026, 10, 29): {"runs": 1},
        date(2026, 11, 26): {"runs": 5},
        date(2026, 11, 27): {"runs": 1, "ping": 1},
    }
    assert dict(calls_per_day(organization, "key_id", days=1))[date(2026, 11, 27)][key] == 1


@pytest.mark.usefixtures("_noon")
def test_what_is_corrected_to_nothing_is_not_told(organization):
    record(organization, NOON)
    record(organization, NOON, value=-1)
    sum_up()
    assert calls_per_day(organization, "category", days=1) == [(date(2026, 11, 27), {})]


def test_sums_since(organization):
    record(organization, NOON)
    record(organization, NOON - timedelta(hours=1))
    sum_up()
    assert calls_by_hour(organization, NOON).count() == 1
