"""How fast runs go, beside DBOS and beside Celery alone.

What is measured: one process with eight threads enqueues N jobs while the workers already take them; the clock
stops when the last has ended. The same PostgreSQL server (its own settings, every commit flushed) and the same Redis
serve everybody; the worker processes of those who are not measured are stopped (SIGSTOP).

- Levqor: a workflow of three `transform` steps that use each other's output; the Run and three StepRun rows in
  PostgreSQL, a doorbell through Redis for each run. Steps without a side effect are recorded in one transaction with
  the run's next state (killed before, they are computed again), which is the design and a good part of the gain.
- DBOS: a workflow of three steps that use each other's output; each step's result is a row, committed on its own.
- Bare Celery: tasks that do nothing, without any record.

`test_steps_committed_one_by_one` is the like-for-like variant: three HTTP calls, each of whose steps is committed
before and after it, as any step with an effect outside is.
"""

import pytest

from tests.benchmarks.conftest import Bench
from tests.benchmarks.contenders import BareCelery, Dbos, Levqor
from tests.benchmarks.rounds import alternate, ratio

RUNS = 400
TASKS = 2000


@pytest.mark.timeout(900)
@pytest.mark.parametrize("processes", [1, 2])
def test_runs_per_second_beside_dbos_and_celery(bench: Bench, processes: int) -> None:
    """At least as many runs as DBOS; steps at least 0.3 of bare Celery's tasks; in the same interleaved rounds."""
    levqor = Levqor(bench.platform, "transforms", processes)
    dbos = Dbos(bench.platform, bench.dbos_database, processes)
    bare = BareCelery(bench.platform, bench.redis, processes)
    try:
        rates = alternate(
            [(levqor, RUNS), (dbos, RUNS), (bare, TASKS)], f"three no-op steps, {processes} worker processes"
        )
    finally:
        for contender in (levqor, dbos, bare):
            contender.stop()
    beside_dbos = ratio(rates, levqor.name, dbos.name)
    beside_celery = 3 * ratio(rates, levqor.name, bare.name)
    print(f"  runs: {beside_dbos:.2f} × DBOS; steps: {beside_celery:.2f} × bare Celery's tasks")
    assert beside_dbos >= 1.0
    assert beside_celery >= 0.3


@pytest.mark.timeout(600)
def test_steps_committed_one_by_one(bench: Bench) -> None:
    """For the record: three HTTP calls, two commits each, beside DBOS' three no-op steps."""
    levqor = Levqor(bench.platform, "calls", 1)
    dbos = Dbos(bench.platform, bench.dbos_database, 1)
    try:
        rates = alternate([(levqor, RUNS // 2), (dbos, RUNS // 2)], "three HTTP calls beside three no-op steps", 3)
    finally:
        levqor.stop()
        dbos.stop()
    print(f"  runs with calls: {ratio(rates, levqor.name, dbos.name):.2f} × DBOS without")
