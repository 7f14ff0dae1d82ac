"""Charts of calls: the first five in colours of their own, the rest in one."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine

from apps.accounts.models import Organization
from apps.developers.usage_charts import chart_of_calls
from apps.usage.statistics import recent_calls
from tests.common.usage import call

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _march() -> Iterator[None]:
    with time_machine.travel(datetime(2026, 3, 27, 12, tzinfo=UTC), tick=False):
        yield


@pytest.mark.parametrize(
    ("groups", "legend"),
    [(2, ["a0", "a1"]), (6, ["a0", "a1", "a2", "a3", "a4", "a5"]), (8, ["a0", "a1", "a2", "a3", "a4", "Others"])],
)
def test_the_largest_come_first_and_nothing_is_lost(organization: Organization, groups: int, legend: list[str]) -> None:
    for number in range(groups):
        call(organization, 10 - number, category=f"a{number}")
    chart = chart_of_calls("Calls", recent_calls(organization), "category", str)
    assert [str(label) for label, _tone in chart.legend] == legend
    assert len({tone for _label, tone in chart.legend}) == len(legend)
    title, values = chart.rows[-1]
    assert title == "27 March 2026"
    assert sum(values) == sum(10 - number for number in range(groups))
    assert sum(sum(row) for _title, row in chart.rows[:-1]) == 0
