"""What the gate costs, beside the build that a Django developer would assemble and beside no gate at all.

What is measured: answers a second of one granian worker with the Procfile's eight threads, pinned to one core. The load
generator and Redis have another core; PostgreSQL is the same server for everybody. All take turns in one interleaved
run, in alternating order; the processes of those who are not measured are stopped (SIGSTOP). 2,000 organizations have a
key and a run each, and the calls take them in turn. Limits are those of shipped code with figures that nobody reaches.

- Levqor: as shipped. What it counted waits in Redis and is stored by a worker each second: after the run it is stored
  here, and its time is told.
- Ungated (`ungated.py`): the same view classes, but that the caller is taken from memory instead of asked for: no key,
  no limit, no metering, and a URL configuration of two addresses. Before the views stands the middleware that
  `django-admin startproject` writes, seven classes; nothing of ours.
- The peer (`peer/`): DRF, djangorestframework-api-key, `ScopedRateThrottle` on Django's Redis cache, one usage row a
  call; it reads the same run in the same PostgreSQL.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import pytest

from tests.benchmarks.conftest import Bench
from tests.benchmarks.load import body, get
from tests.benchmarks.rounds import alternate, ratio
from tests.benchmarks.servers import CORES, LOAD_CORE, Address, Server
from tests.common.processes import ROOT

CUSTOMERS = 2000
PING, RUNS = "/api/v1/ping", "/api/v1/runs/"
SPARE = 3.0  # times more than the fastest of those measured: what the generator itself must be able to ask


@dataclass(frozen=True)
class Field:
    """Everybody who takes part."""

    levqor: Server
    ungated: Server
    peer: Server
    trivial: Server
    customers: list[dict[str, str]]

    def ours(self, path: str = PING, customers: int = CUSTOMERS) -> list[bytes]:
        """Calls to us, with the keys in turn."""
        return [
            get(path if path == PING else path + one["run"], f"Authorization: Bearer {one['key']}")
            for one in self.customers[:customers]
        ]

    def open(self, path: str = PING) -> list[bytes]:
        """Calls without a key."""
        return [get(path if path == PING else path + one["run"]) for one in self.customers]

    def peers(self, path: str = PING) -> list[bytes]:
        """Calls to the peer, with its keys in turn."""
        return [
            get(path if path == PING else path + one["run"], f"Authorization: Api-Key {one['peer_key']}")
            for one in self.customers
        ]

    @property
    def servers(self) -> tuple[Server, ...]:
        return self.levqor, self.ungated, self.peer, self.trivial


@pytest.fixture(scope="module")
def field(bench: Bench) -> Iterator[Field]:
    """Customers in the database, servers that are not started yet."""
    assert len(CORES) > 1, "the server and the load generator need a core each"
    os.sched_setaffinity(bench.redis_pid, {LOAD_CORE})
    customers = bench.platform.call("tests.benchmarks.customers:make", count=CUSTOMERS)
    cache = {"PEER_CACHE": bench.redis.removesuffix("/1") + "/2"}
    prepared = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.peer.preparing"],
        input=json.dumps([one["organization"] for one in customers]),
        cwd=ROOT,
        env={**bench.platform.environment, **cache},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    keys = json.loads(prepared.stdout)
    made = Field(
        Server(bench.platform, "levqor", "levqor.wsgi:application"),
        Server(bench.platform, "ungated", "tests.benchmarks.ungated:application"),
        Server(bench.platform, "peer", "tests.benchmarks.peer.wsgi:application", **cache),
        Server(bench.platform, "trivial", "tests.benchmarks.trivial:application"),
        [{**one, "peer_key": key} for one, key in zip(customers, keys, strict=True)],
    )
    yield made
    for server in made.servers:
        server.program.stop()
    bench.platform.call("tests.benchmarks.customers:leave_nothing_behind")


@pytest.mark.timeout(900)
def test_a_call_costs_little_more_than_its_view(field: Field, bench: Bench) -> None:
    """(a) ping ≥ 5.5 × the peer, ≥ 0.55 × ungated; (b) a run ≥ 3 × the peer, ≥ 0.75 × ungated."""
    ping = Address("levqor ping", field.levqor, field.ours())
    open_ping = Address("ungated ping", field.ungated, field.open())
    peer_ping = Address("peer ping", field.peer, field.peers())
    run = Address("levqor run", field.levqor, field.ours(RUNS))
    open_run = Address("ungated run", field.ungated, field.open(RUNS))
    peer_run = Address("peer run", field.peer, field.peers(RUNS))
    contenders = [(ping, 4000), (open_ping, 6000), (peer_ping, 800), (run, 2000), (open_run, 2000), (peer_run, 600)]
    for same in ((ping, open_ping, peer_ping), (run, open_run, peer_run)):
        assert _bodies(same) == 1, "they answer differently"
    bench.platform.call("tests.benchmarks.customers:store_calls")
    before = bench.platform.call("tests.benchmarks.customers:stored_calls")

    rates = alternate(contenders, f"calls a second, {CUSTOMERS:,} keys")

    stored = bench.platform.call("tests.benchmarks.customers:store_calls")
    for address, _count in contenders:
        _tell(address)
    figures = {
        "ping by peer": (ratio(rates, ping.name, peer_ping.name), 5.5),
        "ping by ungated": (ratio(rates, ping.name, open_ping.name), 0.55),
        "run by peer": (ratio(rates, run.name, peer_run.name), 3.0),
        "run by ungated": (ratio(rates, run.name, open_run.name), 0.75),
    }
    for name, (value, least) in figures.items():
        print(f"  {name}: {value:.2f} × (at least {least})")
    print(f"  {stored['events']:,} calls stored afterwards, {1e6 * stored['seconds'] / stored['events']:.0f} µs each")
    answered = sum(len(found.latencies) for one in (ping, run) for found in one.measured)
    assert bench.platform.call("tests.benchmarks.customers:stored_calls") - before == answered
    short = [name for name, (value, least) in figures.items() if value < least]
    assert not short, f"too slow: {', '.join(short)}"


@pytest.mark.timeout(600)
def test_one_hot_key_is_served_like_many(field: Field) -> None:
    """p99 with one key ≤ 1.5 × p99 with all of them."""
    many = Address("many keys", field.levqor, field.ours())
    hot = Address("one key", field.levqor, field.ours(customers=1))
    alternate([(many, 4000), (hot, 4000)], f"calls a second, one key and {CUSTOMERS:,}")
    for address in (many, hot):
        _tell(address)
    times = median(
        one.percentile(99) / all_.percentile(99) for one, all_ in zip(hot.measured[1:], many.measured[1:], strict=True)
    )
    print(f"  p99 of one key: {times:.2f} × that of {CUSTOMERS:,}")
    assert times <= 1.5


@pytest.mark.timeout(300)
def test_the_generator_could_ask_more(field: Field) -> None:
    """Against an application that does nothing it goes several times faster than the fastest contender."""
    trivial = Address("trivial", field.trivial, [get("/")])
    ungated = Address("ungated ping", field.ungated, field.open())
    rates = alternate([(trivial, 20_000), (ungated, 6000)], "what the generator can ask", 3)
    for address in (trivial, ungated):
        _tell(address)
    assert ratio(rates, trivial.name, ungated.name) >= SPARE
    assert median(found.busy for found in ungated.measured) <= 1 / SPARE


def _bodies(addresses: tuple[Address, ...]) -> int:
    """How many different answers they give to their first call."""
    found = set()
    for address in addresses:
        address.start()
        found.add(json.dumps(json.loads(body(address.server.port, address.requests[0])), sort_keys=True))
        address.freeze()
    return len(found)


def _tell(address: Address) -> None:
    counted = address.measured[1:]
    parts = "   ".join(
        f"p{part} {median(found.percentile(part) for found in counted):6.2f} ms" for part in (50, 95, 99)
    )
    print(f"  {address.name:<13} {parts}   generator {100 * median(found.busy for found in counted):.0f} % busy")
