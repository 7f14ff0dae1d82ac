"""The last day by the hour, of what was measured every five minutes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries

from apps.monitoring.models import GaugeSample, SloSample
from apps.monitoring.observing import day_charts
from apps.monitoring.services.slo import ensure_objectives

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 15, 12, 7, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


def test_the_slowest_of_each_hour(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    ensure_objectives()
    for minutes, p95 in ((62, 40), (67, 90), (5, 30), (60 * 26, 999)):
        at = NOON - timedelta(minutes=minutes)
        SloSample.objects.create(objective_id="api-latency", at=at, total=10, bad=0, p95_ms=p95)
    with django_assert_num_queries(2):
        told = day_charts.latency()
    rows = dict(told["chart"].rows)
    assert len(rows) == 24
    assert rows["2026-03-15 11:00 UTC"] == [90, None], "nobody asked for a page"
    assert rows["2026-03-15 12:00 UTC"] == [30, None]
    assert not told["chart"].empty


def test_the_most_that_waited(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for minutes, depth in ((62, 4), (67, 9)):
        GaugeSample.objects.create(name="levqor_queue_depth", at=NOON - timedelta(minutes=minutes), value=depth)
    with django_assert_num_queries(1):
        told = day_charts.queue_depth()
    assert dict(told["chart"].rows)["2026-03-15 11:00 UTC"] == [9]


def test_without_a_figure_it_says_so() -> None:
    assert day_charts.queue_depth()["chart"].empty
    assert "Nothing waited" in day_charts.queue_depth()["nothing"]
