"""How soon an idle worker begins a run.

What is measured: from the call of `start_run` in one process to the moment that the first step's row gives as its
start in another, both read from the clock of this machine. PostgreSQL and Redis serve one worker and beat as the
Procfile starts them; runs are started one by one with a pause, so that each finds the worker waiting.
"""

import statistics
import time

import pytest

from tests.benchmarks.conftest import Bench
from tests.benchmarks.contenders import Levqor
from tests.benchmarks.rounds import ROUNDS, machine

RUNS = 200
PAUSE = 0.05
MOST_MS = 100.0


@pytest.mark.timeout(600)
def test_a_run_begins_within_a_tenth_of_a_second(bench: Bench) -> None:
    """The median over rounds of each round's 99th percentile."""
    levqor = Levqor(bench.platform, "transforms", 1)
    beat = bench.platform.beat()
    print(f"\nstart to first step, {RUNS} runs one by one, {1000 * PAUSE:.0f} ms apart\n  {machine()}")
    p99s = []
    try:
        levqor.start()
        beat.start().wait_until("maxinterval", 120)
        levqor.measure(RUNS // 4)  # what is imported, connected and prepared once
        for number in range(1, ROUNDS + 1):
            values = _round(bench)
            p99s.append(_percentile(values, 99))
            figures = "   ".join(f"p{part} {_percentile(values, part):6.1f} ms" for part in (50, 95, 99))
            print(f"  round {number}: {figures}   max {max(values):6.1f} ms")
    finally:
        beat.stop()
        levqor.stop()
    print(f"  median of p99: {statistics.median(p99s):.1f} ms")
    assert statistics.median(p99s) <= MOST_MS


def _round(bench: Bench) -> list[float]:
    """Milliseconds from start to first step of each run."""
    moments: dict[str, float] = bench.platform.call(
        "tests.benchmarks.actions:start_one_by_one", slug="transforms", count=RUNS, pause=PAUSE
    )
    begun: dict[str, float] = {}
    deadline = time.monotonic() + 30
    while set(begun) != set(moments):
        assert time.monotonic() < deadline, f"only {len(begun)} of {RUNS} runs began"
        begun = bench.platform.call("tests.benchmarks.actions:first_steps", runs=list(moments))
    return [1000 * (begun[run] - moment) for run, moment in moments.items()]


def _percentile(values: list[float], part: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[part - 1]
