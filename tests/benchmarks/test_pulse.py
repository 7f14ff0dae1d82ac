"""The weekly pulse over a week of many calls and runs, beside the bare SQL aggregates of the same figures.

What is measured: `pulse.collect` with every metric of every app, kept as rows, and five statements of SQL over the raw
events and runs, in turn, in one process on PostgreSQL; each round is printed. Both say the same figures. The pulse
reads sums of hours, so it has to be within twice the same statements over those, too. The week is made in some minutes;
`BENCH_PULSE_EVENTS` and `BENCH_PULSE_RUNS` take fewer.
"""

import os
import statistics
from typing import Any

import pytest

from tests.benchmarks.conftest import Bench
from tests.benchmarks.rounds import ROUNDS, machine

EVENTS = int(os.environ.get("BENCH_PULSE_EVENTS", "10000000"))
RUNS = int(os.environ.get("BENCH_PULSE_RUNS", "1000000"))
MOST_TIMES_SLOWER = 2.0


def ask(bench: Bench, action: str, **arguments: Any) -> Any:
    return bench.platform.call(f"tests.benchmarks.pulsing:{action}", **arguments)


@pytest.mark.timeout(3600)
def test_the_pulse_takes_at_most_twice_the_bare_aggregates(bench: Bench) -> None:
    there = ask(bench, "prepare", events=EVENTS, runs=RUNS)
    print(f"\n{there['events']:,} events in {there['hours']:,} sums of hours, {there['runs']:,} runs\n  {machine()}")
    ratios, of_sums = [], []
    for number in range(ROUNDS + 1):
        actions = ("take_pulse", "ask_bare") if number % 2 else ("ask_bare", "take_pulse")
        told = {action: ask(bench, action) for action in actions}
        pulse, bare = told["take_pulse"], told["ask_bare"]
        summed = ask(bench, "ask_bare", of_sums=True)
        assert pulse["figures"] == pytest.approx(bare["figures"], abs=0.001)
        line = f"pulse {pulse['seconds']:6.2f} s   bare {bare['seconds']:6.2f} s   of sums {summed['seconds']:6.2f} s"
        print(f"  {'round ' + str(number) if number else 'warm-up'}: {line}")
        if number:
            ratios.append(pulse["seconds"] / bare["seconds"])
            of_sums.append(pulse["seconds"] / summed["seconds"])
    print(f"  median of ratios: {statistics.median(ratios):.2f} (of sums {statistics.median(of_sums):.2f})")
    assert statistics.median(ratios) <= MOST_TIMES_SLOWER
    assert statistics.median(of_sums) <= MOST_TIMES_SLOWER
