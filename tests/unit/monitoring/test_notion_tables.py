"""Our tables at Notion have the columns that were agreed, and rows that fit them."""

from datetime import date
from decimal import Decimal

import pytest

from apps.core.kinds import NotionDatabase, PulseMetric
from apps.core.registry import registry
from apps.monitoring.models import CostDay, PulseReport, PulseValue
from tests.common.monitored import cost_day, monitor

pytestmark = pytest.mark.django_db
NAMES = ("pulse", "cost", "health", "system_health_log")


def test_the_columns_of_costs() -> None:
    cost = registry(NotionDatabase).get("cost")
    assert [column.name for column in cost.properties] == [
        "Name", "Date", "Infrastructure", "Front-end", "AI", "Stripe Revenue", "Stripe Fees", "Add-on Revenue",
        "Net Margin", "Margin %",
    ]  # fmt: skip


def test_a_row_of_costs() -> None:
    cost_day(date(2026, 11, 27), bills=300, told=20, frontend=80, revenue=1_000, fees=59, addon=900)
    CostDay.objects.filter(day=date(2026, 11, 27)).update(key_value=40)
    [row] = registry(NotionDatabase).get("cost").rows()
    assert row.external_id.startswith("cday_")
    assert row.values == {
        "Name": "2026-11-27",
        "Date": date(2026, 11, 27),
        "Infrastructure": Decimal("3.40"),
        "Front-end": Decimal("0.80"),
        "AI": Decimal("0.20"),
        "Stripe Revenue": Decimal("10.00"),
        "Stripe Fees": Decimal("0.59"),
        "Add-on Revenue": Decimal("9.00"),
        "Net Margin": Decimal("5.01"),
        "Margin %": Decimal("0.5010"),
    }


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


@pytest.mark.parametrize("name", NAMES)
def test_rows_fit_their_columns(name: str) -> None:
    monitor()
    table = registry(NotionDatabase).get(name)
    columns = {column.name: column for column in table.properties}
    assert sum(column.kind == "title" for column in table.properties) == 1
    for row in table.rows():
        assert set(row.values) <= set(columns)
