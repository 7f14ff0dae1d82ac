"""Recent calls: exact, whether their hours were summed up or not, and nobody else's."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Organization, User
from apps.core.ids import new_id
from apps.usage.measuring import measure
from apps.usage.meters import ACTIVE_KEYS, ACTIVE_USERS
from apps.usage.models import NOBODY, UsageHour
from apps.usage.periods import day_of
from apps.usage.statistics import recent_calls
from tests.common.gates import sum_up_all
from tests.common.roles import make_organization
from tests.common.usage import call

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 20, 12, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _noon() -> Any:
    with time_machine.travel(NOON, tick=False):
        yield


def test_a_call_is_there_before_any_job_came(organization: Organization) -> None:
    call(organization, category="runs")
    assert not UsageHour.objects.for_organization(organization).exists()
    assert recent_calls(organization).by("category") == [("runs", 1)]
    sum_up_all()
    call(organization, category="runs")
    call(organization, -1, category="runs")
    call(organization, category="ping")
    assert recent_calls(organization).by("category") == [("ping", 1), ("runs", 1)]


def test_it_is_what_the_events_add_up_to(organization: Organization) -> None:
    """A hundred calls at random, with the sums made at some moments between them."""
    chance, wanted, key, person = random.Random(4), Counter[Any](), new_id(), new_id()
    for _number in range(100):
        at = NOON - timedelta(minutes=chance.randrange(60 * 24 * 3))
        share = (chance.choice(["runs", "ping"]), chance.choice([NOBODY, key]), chance.choice([NOBODY, person]))
        count = chance.choice([1, 1, 1, -1])
        call(organization, count, at=at, category=share[0], key_id=share[1], user_id=share[2])
        wanted[(at.date(), *share)] += count
        if chance.random() < 0.1:
            sum_up_all()
    found = recent_calls(organization)
    assert {share: count for share, count in found.shares.items() if count} == {s: c for s, c in wanted.items() if c}
    assert found.total == sum(wanted.values())


def test_days_are_consecutive_and_what_is_older_is_left_out(organization: Organization) -> None:
    for days in (0, 1, 29, 30):
        call(organization, days + 1, at=NOON - timedelta(days=days))
    for _summed in range(2):
        found = recent_calls(organization, 30)
        assert [str(found.days[0]), str(found.days[-1]), len(found.days)] == ["2026-02-19", "2026-03-20", 30]
        assert [sum(groups.values()) for _day, groups in found.per_day("key_id")] == [30, *[0] * 27, 2, 1]
        sum_up_all()


def test_calls_of_others_are_theirs(organization: Organization, owner: User) -> None:
    other = make_organization(owner, "Elsewhere")
    call(other, 5)
    call(organization)
    sum_up_all()
    call(other, 5)
    call(organization)
    assert recent_calls(organization).total == 2
    assert recent_calls(other).total == 10


def test_active_keys_and_people_are_those_of_the_meters(organization: Organization, owner: User) -> None:
    key, silent = new_id(), new_id()
    call(organization, 3, key_id=key, user_id=owner.pk)
    call(organization, user_id=owner.pk)
    call(organization)
    call(organization, at=NOON - timedelta(days=40), key_id=new_id(), user_id=new_id())
    taken_back = call(organization, key_id=silent, user_id=silent)
    call(organization, -1, key_id=silent, user_id=silent, corrects=taken_back.source_id)
    begin, end = day_of(NOON - timedelta(days=29)).start, day_of(NOON).end
    for _summed in range(2):
        found = recent_calls(organization)
        for meter, dimension in ((ACTIVE_KEYS, "key_id"), (ACTIVE_USERS, "user_id")):
            [row] = measure(organization, meter, begin, end)
            assert found.active(dimension) == row.value == 1, meter  # type: ignore[arg-type] # a name from above
        sum_up_all()


def test_one_query(organization: Organization) -> None:
    for hour in range(6):
        call(organization, at=NOON - timedelta(hours=hour))
        if hour == 3:
            sum_up_all()
    with CaptureQueriesContext(connection) as asked:
        assert recent_calls(organization).total == 6
    assert len(asked) == 1
