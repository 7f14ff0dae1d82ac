"""Periods by UUIDv7 keys, ids that staff paste, counting that stops."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import RequestFactory

from apps.core import clock
from apps.core.admin.jobs import JobRunAdmin
from apps.core.ids import lowest_id, new_id, to_public
from apps.core.models import JobRun
from apps.core.staff.figures import counted
from apps.core.staff.lists import (
    CappedPaginator,
    DaysFilter,
    LastWeekFilter,
    OrganizationIdFilter,
    PeriodFilter,
    key_of,
)

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def made_at(moment, number=0):
    """A job run whose key says that it was made then."""
    key = uuid.UUID(int=lowest_id(moment).int + 1 + number)
    return JobRun.objects.create(id=key, job="x", slot=moment + timedelta(seconds=number), started_at=moment)


def filtered(kind, params):
    request = RequestFactory().get("/", params)
    lists = {key: [value] for key, value in params.items()}
    if issubclass(kind, DaysFilter):
        spec = kind(JobRun._meta.get_field("started_at"), request, lists, JobRun, JobRunAdmin, "started_at")
    else:
        spec = kind(request, lists, JobRun, None)
    return list(spec.queryset(request, JobRun.objects.order_by("pk")))


def test_the_lowest_id_of_a_moment_splits_what_was_made_before_and_after():
    before = clock.now()
    made = new_id()
    assert lowest_id(before) <= made < lowest_id(clock.now() + timedelta(milliseconds=2))
    assert lowest_id(datetime(1960, 1, 1, tzinfo=UTC)).int == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "params", "days"),
    [
        (PeriodFilter, {}, [20, 5, 0]),
        (LastWeekFilter, {}, [5, 0]),
        (LastWeekFilter, {"period": "1"}, [0]),
        (LastWeekFilter, {"period": "any"}, [400, 20, 5, 0]),
        (LastWeekFilter, {"period": "nonsense"}, [5, 0]),
        (LastWeekFilter, {"started_at_from": "2020-01-01"}, [400, 20, 5, 0]),
        (LastWeekFilter, {"started_at_from": ""}, [5, 0]),
        (DaysFilter, {"started_at_from": "2026-02-18", "started_at_to": "2026-03-05"}, [20, 5]),
        (DaysFilter, {"started_at_to": "2026-03-04"}, [400, 20]),
    ],
)
def test_periods_and_days(kind, params, days):
    rows = {made_at(NOON - timedelta(days=age)).pk: age for age in (400, 20, 5, 0)}
    with time_machine.travel(NOON + timedelta(minutes=1), tick=False):
        assert [rows[row.pk] for row in filtered(kind, params)] == days


def test_pasted_ids():
    key = new_id()
    assert key_of("run", to_public("run", key)) == key
    assert key_of("run", str(key)) == key
    assert key_of("", str(key)) == key
    for text in ("", "run", to_public("org", key), "run_xyz", "a@example.com", "x" * 500):
        assert key_of("run", text) is None


@pytest.mark.django_db
def test_an_organization_id_that_is_none_finds_nothing():
    made_at(NOON)
    request = RequestFactory().get("/")
    spec = OrganizationIdFilter(request, {"org": ["nobody"]}, JobRun, None)
    assert not spec.queryset(request, JobRun.objects.all()).exists()
    assert OrganizationIdFilter(request, {}, JobRun, None).queryset(request, JobRun.objects.all()).exists()


@pytest.mark.django_db
def test_counting_stops(monkeypatch, django_assert_num_queries):
    for number in range(5):
        made_at(NOON, number)
    monkeypatch.setattr("apps.core.staff.lists.MOST_COUNTED", 3)
    pages = CappedPaginator(JobRun.objects.order_by("pk"), 2)
    with django_assert_num_queries(1):
        assert (pages.count, pages.num_pages, pages.capped) == (3, 2, True)
    few = CappedPaginator(JobRun.objects.filter(slot__gt=NOON + timedelta(seconds=2)), 2)
    assert (few.count, few.capped) == (2, False)
    assert CappedPaginator([1, 2], 2).count == 2
    assert [counted(JobRun.objects.all(), most) for most in (4, 5)] == ["4+", "5"]
