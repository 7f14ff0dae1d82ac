"""One platform on PostgreSQL and Redis of its own for all benchmarks."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.common.counting_server import CountingServer
from tests.common.platform import Platform, postgres_database, running_platform

TRANSFORMS = """
name: Three transforms
steps:
  - {id: one, type: transform, with: {value: {a: 1}}}
  - {id: two, type: transform, with: {value: {b: "{{ steps.one.output.a }}"}}}
  - {id: three, type: transform, with: {value: {c: "{{ steps.two.output.b }}"}}}
output: "{{ steps.three.output }}"
"""
CALLS = """
name: Three calls
steps:
  - {id: one, type: http, with: {method: POST, url: "URL/ok"}}
  - {id: two, type: http, with: {method: POST, url: "URL/ok"}}
  - {id: three, type: http, with: {method: POST, url: "URL/ok"}}
"""


@dataclass(frozen=True)
class Bench:
    """The measured platform, and where the others find PostgreSQL and Redis."""

    platform: Platform
    redis: str
    redis_pid: int
    dbos_database: str


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A platform with the measured workflows published and no process running."""
    with CountingServer() as server, postgres_database("levqor_dbos") as dbos_database:
        settings = {
            "OUTBOUND_ALLOWED_HOSTS": server.host,
            "LOG_LEVEL": "INFO",
            "BARE_BROKER": "redis://127.0.0.1/1",
        }
        with running_platform(tmp_path_factory.mktemp("bench"), services=True, **settings) as (platform, redis):
            assert redis is not None
            broker = redis.url.removesuffix("/0") + "/1"
            platform.environment["BARE_BROKER"] = broker
            sources = {"transforms": TRANSFORMS, "calls": CALLS.replace("URL", server.url)}
            platform.call("tests.benchmarks.actions:publish", sources=sources)
            yield Bench(platform, broker, redis.program.pid, dbos_database)
