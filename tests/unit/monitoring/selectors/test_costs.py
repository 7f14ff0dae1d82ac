"""Days together are reckoned as each of them is."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from apps.monitoring.models import CostDay
from apps.monitoring.selectors import costs
from apps.monitoring.selectors.costs import sum_of

RECKONED = ("infrastructure", "costs", "earned", "margin")


def day(**values: Any) -> CostDay:
    return CostDay(day=date(2026, 3, 11), **values)


def test_a_day_and_the_sum_of_it_say_the_same() -> None:
    row = day(hosting=1, frontend=2, ai=4, key_value=8, mail=16, other=32, revenue=1_000, tax=190, fees=64)
    assert (row.infrastructure, row.costs, row.earned, row.margin) == (63, 127, 810, 683)
    alone, twice = sum_of([row]), sum_of([row, row])
    assert [getattr(alone, name) for name in RECKONED] == [getattr(row, name) for name in RECKONED]
    assert [getattr(twice, name) for name in RECKONED] == [2 * getattr(row, name) for name in RECKONED]
    assert row.margin_percent == alone.margin_percent == twice.margin_percent


@pytest.mark.parametrize("values", [{}, {"revenue": 100, "tax": 100}, {"revenue": -5, "fees": 3}])
def test_of_nothing_there_is_no_share(values: dict[str, int]) -> None:
    assert day(**values).margin_percent is None
    assert sum_of([day(**values)]).margin_percent is None


def test_who_reads_needs_none_who_writes() -> None:
    """Not to have a vendor's gateway loaded for one line of arithmetic."""
    folder = Path(costs.__file__).parent
    assert [path.name for path in folder.glob("*.py") if "apps.monitoring.services" in path.read_text()] == []
