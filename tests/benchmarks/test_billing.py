"""What it costs to take in an event of Stripe's, beside a view that only verifies and inserts; and to ask for seats.

What is measured of the intake: answers a second of one granian worker with the Procfile's eight threads, pinned to one
core, to events over kept connections, each signed and under an id that nobody had before. PostgreSQL is the same server
for both, and commits as durably; both take turns in one interleaved run.

- Levqor: as shipped. What came waits for a worker: after the run some is handed on here, and its time is told.
- Verifying (`verifying.py`): Stripe's own check of the signature, one insert into the same table, an answer.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import mean, median

import pytest

from tests.benchmarks.conftest import Bench
from tests.benchmarks.intake import SECRET, Intake, fresh_events
from tests.benchmarks.rounds import ROUNDS, alternate, machine, ratio
from tests.benchmarks.servers import CORES, LOAD_CORE, Server

EVENTS = 1500
LEAST = 0.5
HANDED_ON = 1000
CHECKS, SOURCES = 2000, 3
WAYS = ("remembered", "read anew")


@dataclass(frozen=True)
class Field:
    """Both who take part."""

    levqor: Intake
    verifying: Intake


@pytest.fixture(scope="module")
def field(bench: Bench) -> Iterator[Field]:
    """Servers that are not started yet."""
    assert len(CORES) > 1, "the server and the load generator need a core each"
    os.sched_setaffinity(bench.redis_pid, {LOAD_CORE})
    secret = {"STRIPE_WEBHOOK_SECRET": SECRET}
    made = Field(
        Intake("levqor", Server(bench.platform, "intake", "levqor.wsgi:application", **secret)),
        Intake("verifying", Server(bench.platform, "verifying", "tests.benchmarks.verifying:application", **secret)),
    )
    yield made
    for one in (made.levqor, made.verifying):
        one.stop()
    bench.platform.call("tests.benchmarks.intake:leave_nothing_behind")


@pytest.mark.timeout(600)
def test_taking_an_event_in_costs_at_most_twice_what_it_must(field: Field, bench: Bench) -> None:
    """At least half as many a second as a view that only verifies and inserts, and none is lost."""
    bodies = [len(request) for request in fresh_events(50)]
    contenders = [(field.levqor, EVENTS), (field.verifying, EVENTS)]

    rates = alternate(contenders, f"events a second, {mean(bodies):,.0f} bytes each")

    for one in (field.levqor, field.verifying):
        counted = one.measured[1:]
        parts = "   ".join(
            f"p{part} {median(found.percentile(part) for found in counted):6.2f} ms" for part in (50, 99)
        )
        print(f"  {one.name:<10} {parts}   generator {100 * median(found.busy for found in counted):.0f} % busy")
    found = ratio(rates, "levqor", "verifying")
    print(f"  levqor by verifying: {found:.2f} × (at least {LEAST})")
    for vendor, one in (("stripe", field.levqor), ("verifying", field.verifying)):
        answered = sum(len(measured.latencies) for measured in one.measured)
        assert bench.platform.call("tests.benchmarks.intake:stored", vendor=vendor) == answered
    seconds = bench.platform.call("tests.benchmarks.intake:hand_on", count=HANDED_ON)
    print(f"  {HANDED_ON:,} handed on afterwards, {1e6 * seconds / HANDED_ON:.0f} µs each")
    assert found >= LEAST


@pytest.mark.timeout(300)
def test_an_entitlement_is_one_look_at_redis(bench: Bench) -> None:
    """Asked before, it costs one command to Redis and no SQL, whatever an organization has; beside reading the rows."""
    bench.platform.call("tests.benchmarks.entitled:prepare", sources=SOURCES)
    print(f"\n{CHECKS:,} questions for an entitlement that {SOURCES} sources give\n  {machine()}")
    times = []
    for number in range(ROUNDS + 1):
        took = {
            how: bench.platform.call("tests.benchmarks.entitled:ask", count=CHECKS, without_redis=how == "read anew")
            for how in (WAYS if number % 2 else WAYS[::-1])
        }
        words = "   ".join(f"{how} {1e6 * found['seconds'] / CHECKS:6.0f} µs" for how, found in took.items())
        print(f"  {'round ' + str(number) if number else 'warm-up'}: {words}")
        if number:
            times.append(took["remembered"]["seconds"] / took["read anew"]["seconds"])
            assert (took["remembered"]["redis"], took["remembered"]["sql"]) == (CHECKS, 0)
            assert (took["read anew"]["redis"], took["read anew"]["sql"]) == (0, CHECKS)
    print(f"  remembered by read anew: {median(times):.2f} × the time")
    assert median(times) < 1
