"""The same workflow on DBOS: `worker` runs it from a queue, `producer` enqueues as many as it is told.

python -m tests.benchmarks.dbos_app worker|producer DATABASE_URL
"""

import sys
import threading

from dbos import DBOS, DBOSClient

from tests.benchmarks.producing import THREADS, in_threads

QUEUE = "bench"
# The best of what was tried (see `test_engines.py`): as many at a time as keep a worker busy, and an eager poll.
AT_A_TIME = 50
POLL_SECONDS = 0.05


@DBOS.step()
def one() -> dict[str, int]:
    return {"a": 1}


@DBOS.step()
def two(before: dict[str, int]) -> dict[str, int]:
    return {"b": before["a"]}


@DBOS.step()
def three(before: dict[str, int]) -> dict[str, int]:
    return {"c": before["b"]}


@DBOS.workflow()
def three_steps() -> dict[str, int]:
    """Three steps that do nothing; DBOS records each."""
    return three(two(one()))


def work(url: str) -> None:
    """Run workflows until killed."""
    DBOS(config={"name": "bench", "system_database_url": url, "log_level": "WARNING", "application_version": "1"})
    DBOS.launch()
    DBOS.register_queue(QUEUE, worker_concurrency=AT_A_TIME, polling_interval_sec=POLL_SECONDS)
    print("dbos worker ready.", file=sys.stderr, flush=True)
    threading.Event().wait()


def produce(url: str) -> None:
    """For each number on standard input, enqueue so many and answer with the seconds that it took."""
    client = DBOSClient(system_database_url=url, application_name="bench", system_database_pool_size=THREADS)
    options = {"queue_name": QUEUE, "workflow_name": three_steps.__qualname__, "app_version": "1"}
    for line in sys.stdin:
        print(in_threads(lambda: client.enqueue(options), int(line)), flush=True)


if __name__ == "__main__":
    {"worker": work, "producer": produce}[sys.argv[1]](sys.argv[2])
