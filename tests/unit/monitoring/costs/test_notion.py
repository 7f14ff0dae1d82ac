"""Costs and health as tables at Notion: the columns of the seeds, a row for each day and night, nothing secret."""

from datetime import date
from decimal import Decimal

import pytest

from apps.core.kinds import NotionDatabase
from apps.core.registry import registry
from apps.monitoring.intervals import whole_days
from apps.monitoring.models import CostDay, HealthRun
from apps.monitoring.services.looking import Seen, keep
from tests.common.costs import cost_days

pytestmark = pytest.mark.django_db
NIGHT = whole_days(date(2026, 3, 12), date(2026, 3, 12)).start


@pytest.mark.parametrize("name", ["cost", "health", "system_health_log"])
def test_each_table_has_one_title_and_rows_of_its_columns(name: str) -> None:
    cost_days(date(2026, 3, 11), 1, 2)
    for kind in HealthRun.Kind.values:
        keep(kind, NIGHT, [Seen("disk", "Disk", "ok", "")], {"runs": 4})
    table = registry(NotionDatabase).get(name)
    assert [column.kind for column in table.properties].count("title") == 1
    rows = list(table.rows())
    assert rows
    for row in rows:
        assert set(row.values) == {column.name for column in table.properties}


def test_a_day_of_costs() -> None:
    values = {"hosting": 100, "frontend": 50, "ai": 25, "revenue": 1_000, "tax": 200, "fees": 60, "addon": 300}
    day = CostDay.objects.create(day=date(2026, 3, 11), **values)
    (row,) = registry(NotionDatabase).get("cost").rows()
    assert row.external_id == day.public_id
    assert row.values == {
        "Name": "2026-03-11", "Date": date(2026, 3, 11), "Infrastructure": Decimal("1.00"),
        "Front-end": Decimal("0.50"), "AI": Decimal("0.25"), "Stripe Revenue": Decimal("10.00"),
        "Stripe Fees": Decimal("0.60"), "Add-on Revenue": Decimal("3.00"), "Net Margin": Decimal("5.65"),
        "Margin %": Decimal("0.7062"),
    }  # fmt: skip


def test_a_day_that_earned_nothing_has_no_share() -> None:
    CostDay.objects.create(day=date(2026, 3, 11), hosting=100)
    (row,) = registry(NotionDatabase).get("cost").rows()
    assert (row.values["Net Margin"], row.values["Margin %"]) == (Decimal("-1.00"), None)


def test_a_night_with_trouble() -> None:
    seen = [
        Seen("disk", "Disk", "failed", "full, api_key=sk_test_abcdefgh12345678"),
        Seen("notion", "Notion", "off", "not set up"),
        Seen("beat", "Beat", "warning", "slow"),
    ]
    figures = {"jobs_failed": 2, "runs": 30, "gauges": {"levqor_queue_depth": 7.0}}
    run = keep(HealthRun.Kind.LOG, NIGHT, seen, figures)
    (row,) = registry(NotionDatabase).get("system_health_log").rows()
    assert row.external_id == run.public_id
    told = {name: row.values[name] for name in ("Status", "Checks Passed", "Warnings", "Checks Failed", "Skipped")}
    assert told == {"Status": "Failed", "Checks Passed": 0, "Warnings": 1, "Checks Failed": 1, "Skipped": 1}
    assert (row.values["Jobs Failed"], row.values["Runs"], row.values["Queue Depth"]) == (2, 30, 7.0)
    assert row.values["API Calls"] is None
    assert "sk_test" not in row.values["Details"]
    assert not list(registry(NotionDatabase).get("health").rows())


def test_rows_cost_two_questions_however_many(django_assert_max_num_queries: object) -> None:
    for number in range(20):
        keep(HealthRun.Kind.VERIFIER, NIGHT.replace(month=number % 12 + 1, year=2026 + number // 12), [])
    with django_assert_max_num_queries(2):  # type: ignore[operator]
        assert len(list(registry(NotionDatabase).get("health").rows())) == 20
