"""Active organizations, growth, and who comes back: exact from hand-made activity."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db.models import F

from apps.accounts.models import Organization, User
from apps.core.ids import new_id
from apps.core.kinds import ActivitySource
from apps.core.registry import contributed
from apps.monitoring.models import ActiveDay, GrowthDay, RetainedWeek
from apps.monitoring.selectors.growth import cohorts
from apps.monitoring.services import growth
from tests.common.roles import make_organization, make_user
from tests.common.usage import call

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 3, 2)
NIGHT = datetime(2026, 3, 15, 0, 5, tzinfo=UTC)  # a Sunday


def came(day: date, name: str = "") -> Organization:
    """An organization that came on a day."""
    organization = make_organization(make_user("Owner"), name or f"Came {new_id().hex[-8:]}")
    moment = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    Organization.objects.filter(pk=organization.pk).update(created_at=moment)
    return organization


def active(organization: Organization, *days: date) -> None:
    ActiveDay.objects.bulk_create(ActiveDay(day=day, organization=organization) for day in days)


def test_a_call_is_activity_summed_up_or_not_and_a_sandbox_is_not(organization: Organization, owner: User) -> None:
    at = datetime(2026, 3, 14, 23, 30, tzinfo=UTC)
    twin = Organization.objects.create(realm=organization.realm, name="T", slug="t", livemode=False)
    call(organization, at=at)
    call(organization, at=at)
    call(twin, at=at)
    other = came(MONDAY)
    call(other, at=datetime(2026, 3, 15, tzinfo=UTC))  # already the next day
    assert growth.note_active(date(2026, 3, 14)) == 1
    assert ActiveDay.objects.unscoped().get().organization == organization


def everybody(_start: datetime, _end: datetime) -> Any:
    return Organization.objects.filter(livemode=True).annotate(organization_id=F("pk")).values("organization_id")


def test_two_sources_count_an_organization_once(organization: Organization) -> None:
    with contributed(ActivitySource("a", everybody), ActivitySource("b", everybody)):
        assert growth.note_active(MONDAY) == 1
        assert growth.note_active(MONDAY) == 1  # made anew, not added


def test_cohorts_by_week(db: None) -> None:
    first, second, later = came(MONDAY), came(MONDAY + timedelta(days=6)), came(MONDAY + timedelta(days=7))
    active(first, MONDAY, MONDAY + timedelta(days=1), MONDAY + timedelta(days=8))
    active(second, MONDAY + timedelta(days=6))
    active(later, MONDAY + timedelta(days=12))
    for _again in range(2):
        growth.retain(MONDAY + timedelta(days=12))
    cells = list(RetainedWeek.objects.order_by("cohort", "week").values_list("cohort", "week", "size", "active"))
    assert cells == [
        (MONDAY, 0, 2, 2),
        (MONDAY, 1, 2, 1),
        (MONDAY + timedelta(days=7), 0, 1, 1),
    ]
    found = cohorts()
    assert [(one.size, [share.percent for share in one.shares]) for one in found] == [(1, [100]), (2, [100, 50])]
    assert [share.shade for share in found[1].shares] == [5, 3]
    assert not any(share.so_far for one in found for share in one.shares)  # long over
    with time_machine.travel(datetime(2026, 3, 14, 12, tzinfo=UTC), tick=False):
        assert [[share.so_far for share in one.shares] for one in cohorts()] == [[True], [False, True]]


def test_a_day_of_growth(db: None) -> None:
    day = date(2026, 3, 14)
    one, two = came(day), came(MONDAY)
    active(one, day)
    active(two, day - timedelta(days=6), day - timedelta(days=29))
    active(came(MONDAY), day - timedelta(days=7))
    active(came(MONDAY), day - timedelta(days=30))
    row = growth.grow(day)
    assert (row.active_day, row.active_week, row.active_month) == (1, 2, 3)
    assert row.new_organizations == 1
    assert growth.grow(day).pk == row.pk


def test_the_jobs_make_up_for_missed_nights(organization: Organization) -> None:
    call(organization, at=datetime(2026, 3, 11, 9, tzinfo=UTC))
    active(organization, date(2026, 3, 9))
    GrowthDay.objects.create(
        day=date(2026, 3, 10), sign_ups=0, new_organizations=0, active_day=0, active_week=0, active_month=0
    )
    assert growth.retention_aggregation(NIGHT).startswith("2026-03-14: 0 active")
    assert set(ActiveDay.objects.unscoped().values_list("day", flat=True)) == {date(2026, 3, 11)}
    growth.growth_retention(NIGHT)
    assert list(GrowthDay.objects.order_by("day").values_list("day", "active_week")) == [
        (date(2026, 3, 10), 0),
        (date(2026, 3, 11), 1),
        (date(2026, 3, 12), 1),
        (date(2026, 3, 13), 1),
        (date(2026, 3, 14), 1),
    ]
