"""How long five million events take to be summed up by hour, beside the bare aggregate query.

What is measured: `sum_up` with every hour noted as changed, and `SELECT … GROUP BY` over the same events alone, in
turn, in one process on PostgreSQL. The first roll-up inserts all sums; later ones find them there and update them.
`BENCH_EVENTS` takes fewer.
"""

import os
import statistics

import pytest

from tests.benchmarks.conftest import Bench
from tests.benchmarks.rounds import machine

EVENTS = int(os.environ.get("BENCH_EVENTS", "5_000_000"))
ROUNDS = 3
MOST_TIMES_SLOWER = 2.5


@pytest.mark.timeout(1800)
def test_events_are_summed_up_about_as_fast_as_they_are_read(bench: Bench) -> None:
    """At most 2.5 × the bare query, and twice gives the same rows."""

    def ask(action: str, **arguments: int) -> dict:
        return bench.platform.call(f"tests.benchmarks.metering:{action}", **arguments)

    assert ask("fill", events=EVENTS) == EVENTS
    print(f"\nroll-up of {EVENTS:,} events\n  {machine()}")
    ratios, seen = [], []
    for number in range(1, ROUNDS + 1):
        if number % 2:
            bare, rolled = ask("aggregate"), ask("roll_up")
        else:
            rolled, bare = ask("roll_up"), ask("aggregate")
        seen.append(ask("sums"))
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
