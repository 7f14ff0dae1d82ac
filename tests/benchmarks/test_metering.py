"""How long five million events take to be summed up by hour, beside the bare aggregate query; and to be looked at.

What is measured: `sum_up` with every hour noted as changed, and `SELECT … GROUP BY` over the same events alone, in
turn, in one process on PostgreSQL. The first roll-up inserts all sums; later ones find them there and update them.
`BENCH_EVENTS` takes fewer.

The pages of staff are measured as whole requests in the same process, with five thousand events and later with all.
"""

import os
import statistics
from typing import Any

import pytest

from tests.benchmarks.conftest import Bench
from tests.benchmarks.rounds import machine

EVENTS = int(os.environ.get("BENCH_EVENTS", "5_000_000"))
ROUNDS = 3
MOST_TIMES_SLOWER = 2.5
FEW = 5_000
PAGES_MOST_TIMES_SLOWER = 3.0
REQUESTS = 10


def ask(bench: Bench, action: str, **arguments: Any) -> Any:
    return bench.platform.call(f"tests.benchmarks.metering:{action}", **arguments)


@pytest.fixture(scope="module")
def pages_of_few(bench: Bench) -> dict[str, list[float]]:
    """Milliseconds of each page of staff while there are few events; afterwards there are all."""
    assert ask(bench, "fill", first=0, events=FEW, of=FEW) == FEW  # over the same week: their lists are as long
    ask(bench, "roll_up")
    took = _pages(bench)
    assert ask(bench, "forget_sums") > 0
    assert ask(bench, "fill", first=FEW, events=EVENTS - FEW, of=EVENTS) == EVENTS
    return took


@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("pages_of_few")
def test_events_are_summed_up_about_as_fast_as_they_are_read(bench: Bench) -> None:
    """At most 2.5 × the bare query, and twice gives the same rows."""
    print(f"\nroll-up of {EVENTS:,} events\n  {machine()}")
    ratios, seen = [], []
    for number in range(1, ROUNDS + 1):
        if number % 2:
            bare, rolled = ask(bench, "aggregate"), ask(bench, "roll_up")
        else:
            rolled, bare = ask(bench, "roll_up"), ask(bench, "aggregate")
        seen.append(ask(bench, "sums"))
        ratios.append(rolled["seconds"] / bare["seconds"])
        print(
            f"  round {number}: bare {bare['seconds']:.1f} s for {bare['groups']:,} sums"
            f"   roll-up {rolled['seconds']:.1f} s for {rolled['hours']:,} hours   {ratios[-1]:.2f} ×"
        )
    rows, total, events, _digest = seen[0]
    assert (rows, total, events) == (bare["groups"], bare["total"], EVENTS)
    assert all(later == seen[0] for later in seen)
    print(f"  median of ratios: {statistics.median(ratios):.2f}; the first, which inserts: {ratios[0]:.2f}")
    assert max(ratios[0], statistics.median(ratios)) <= MOST_TIMES_SLOWER


@pytest.mark.timeout(1200)
def test_staff_find_usage_among_millions_as_among_thousands(pages_of_few: dict[str, list[float]], bench: Bench) -> None:
    """Lists and searches take at most three times as long."""
    print(f"\npages of staff, {FEW:,} and {EVENTS:,} events\n  {machine()}")
    slow = []
    for page, many in _pages(bench).items():
        few = pages_of_few[page]
        times = statistics.median(many) / statistics.median(few)
        told = [" ".join(f"{one:6.1f}" for one in found) for found in (few, many)]
        print(
            f"  {page.partition('?')[0]:<32} {told[0]} ms, then {told[1]} ms: {times:.2f} ×   {page.partition('?')[2]}"
        )
        if times > PAGES_MOST_TIMES_SLOWER:
            slow.append(page)
    assert not slow


def _pages(bench: Bench) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {page: [] for page in ask(bench, "staff_pages")}
    for number in range(ROUNDS):
        for page in list(found)[:: 1 if number % 2 else -1]:
            found[page].append(1000 * ask(bench, "staff_seconds", address=page, times=REQUESTS) / REQUESTS)
    return found
