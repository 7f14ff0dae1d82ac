"""Our tables at Notion have the columns that were agreed, and rows that fit them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.core.kinds import NotionDatabase, PulseMetric
from apps.core.registry import registry
from apps.monitoring.models import PulseReport, PulseValue
from tests.common.monitored import monitor

pytestmark = pytest.mark.django_db
NAMES = ("pulse",)


def test_the_pulse_has_a_column_for_each_metric() -> None:
    columns = {column.name for column in registry(NotionDatabase).get("pulse").properties}
    assert {str(metric.label) for metric in registry(PulseMetric).all()} < columns


def test_money_is_in_dollars_and_what_nobody_counts_any_more_is_left_out() -> None:
    monitor()
    report = PulseReport.objects.order_by("-end").first()
    assert report is not None
    report.values.filter(metric="revenue").update(unit="money")
    PulseValue.objects.create(report=report, metric="gone", label="Gone", product="Old", unit="count", value=1)
    rows = list(registry(NotionDatabase).get("pulse").rows())
    assert len(rows) == 2
    assert rows[0].values["Revenue"] == Decimal("19.00")
    assert rows[0].values["Runs"] == 7
    assert "Gone" not in rows[0].values


def test_no_week_is_ever_taken_away(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    end = datetime(2026, 11, 27, 14, tzinfo=UTC)
    weeks = [PulseReport(start=end - timedelta(weeks=n + 1), end=end - timedelta(weeks=n)) for n in range(150)]
    PulseReport.objects.bulk_create(weeks)
    with django_assert_num_queries(3):  # the weeks, and their values by hundreds
        rows = list(registry(NotionDatabase).get("pulse").rows())
    assert [row.external_id for row in rows] == [week.public_id for week in weeks]


@pytest.mark.parametrize("name", NAMES)
def test_rows_fit_their_columns(name: str) -> None:
    monitor()
    table = registry(NotionDatabase).get(name)
    columns = {column.name: column for column in table.properties}
    assert sum(column.kind == "title" for column in table.properties) == 1
    for row in table.rows():
        assert set(row.values) <= set(columns)
