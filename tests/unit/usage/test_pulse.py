"""Calls of all organizations: exact up to the hour, whether or not hours were summed up."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Organization
from apps.core.ids import new_id
from apps.usage import pulse
from apps.usage.services.summing import sum_up
from tests.common.roles import make_organization
from tests.common.usage import call

pytestmark = pytest.mark.django_db
START, END = datetime(2026, 3, 6, 14, tzinfo=UTC), datetime(2026, 3, 13, 14, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def twin(organization: Organization) -> Organization:
    """A sandbox, which never counts."""
    return Organization.objects.create(
        realm=organization.realm, name="Twin", slug="twin", livemode=False, twin_of=organization
    )


@pytest.mark.parametrize("summed", [False, True])
def test_the_hours_that_begin_in_the_week(summed: bool, organization: Organization, twin: Organization) -> None:
    with time_machine.travel(END + 2 * HOUR, tick=False):
        for at, calls in ((START - HOUR / 60, 1), (START, 10), (END - HOUR / 60, 100), (END, 1000)):
            call(organization, calls, at=at)
        call(twin, 5000, at=START)
        if summed:
            sum_up()
        assert pulse.api_calls(START, END) == 110
        call(organization, 7, at=START)  # came late: its hour is summed up anew later
        assert pulse.api_calls(START, END) == 117


@pytest.mark.parametrize("summed", [False, True])
def test_people_who_called(summed: bool, organization: Organization, twin: Organization, outsider: Any) -> None:
    with time_machine.travel(END, tick=False):
        someone, elsewhere = new_id(), make_organization(outsider, "Elsewhere")
        call(organization, user_id=someone, at=START)
        call(elsewhere, user_id=someone, at=START + HOUR)  # the same person
        call(organization, user_id=new_id(), at=START)
        call(organization, at=START)  # nobody that is known
        call(twin, user_id=new_id(), at=START)
        taken_back = new_id()
        call(organization, user_id=taken_back, at=START)
        call(organization, -1, user_id=taken_back, at=START, corrects="x")
        if summed:
            sum_up()
        assert pulse.active_developers(START, END) == 2


def test_by_category_and_hour(organization: Organization) -> None:
    with time_machine.travel(END, tick=False):
        call(organization, 3, at=START, category="runs")
        call(organization, 4, at=START + 25 * HOUR, category="workflows")
        sum_up()
        call(organization, 5, at=START + HOUR, category="runs")
        assert pulse.calls_by_category(START, END) == {"runs": 8, "workflows": 4}
        assert pulse.calls_by_hour(START, END) == {14: 3, 15: 9}


def test_one_statement_sees_one_moment(organization: Organization) -> None:
    with CaptureQueriesContext(connection) as asked:
        pulse.api_calls(START, END)
    assert len(asked) == 1
