"""Lists cost an organization with 10,000 rows about what they cost one with ten.

What is measured: whole requests through Django's test client, in one process on PostgreSQL, of two organizations whose
rows are in the same tables. Rounds alternate between them; each is printed.
"""

import statistics

import pytest

from tests.benchmarks.conftest import Bench
from tests.benchmarks.rounds import ROUNDS, machine

FEW, MANY = 10, 10_000
ADDRESSES = ("/workflows", "/runs", "/api/v1/runs")
REQUESTS = 20
MOST_TIMES_SLOWER = 3.0


@pytest.fixture(scope="module")
def grown(bench: Bench) -> Bench:
    """The platform with both organizations."""
    bench.platform.call("tests.benchmarks.listing:prepare", sizes=[FEW, MANY])
    return bench


@pytest.mark.timeout(600)
@pytest.mark.parametrize("address", ADDRESSES)
def test_ten_thousand_rows_list_like_ten(address: str, grown: Bench) -> None:
    """The same questions to the database, and at most three times the time."""
    asked = {
        size: grown.platform.call("tests.benchmarks.listing:count_queries", address=address, size=size)
        for size in (FEW, MANY)
    }
    print(f"\n{address}: {asked[FEW]} queries at {FEW} rows, {asked[MANY]} at {MANY:,}\n  {machine()}")
    ratios = []
    for number in range(1, ROUNDS + 1):
        sizes = (FEW, MANY) if number % 2 else (MANY, FEW)
        took = {size: _milliseconds(grown, address, size) for size in sizes}
        ratios.append(took[MANY] / took[FEW])
        print(f"  round {number}: {took[FEW]:6.1f} ms at {FEW} rows   {took[MANY]:6.1f} ms at {MANY:,}")
    print(f"  median of ratios: {statistics.median(ratios):.2f}")
    assert asked[FEW] == asked[MANY]
    assert statistics.median(ratios) <= MOST_TIMES_SLOWER


def _milliseconds(bench: Bench, address: str, size: int) -> float:
    """Of one request, as the mean of several."""
    took: float = bench.platform.call("tests.benchmarks.listing:seconds", address=address, size=size, times=REQUESTS)
    return 1000 * took / REQUESTS
