"""What is compared: each has worker processes, is frozen while another is measured, and drains a number of jobs."""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Protocol

import psycopg
import redis

from tests.common.platform import Platform
from tests.common.processes import ROOT, Program, eventually

PATIENCE = 120.0
LOOK_EVERY = 0.03


class Contender(Protocol):
    """Something that does jobs."""

    name: str

    def start(self) -> None: ...
    def cpu_seconds(self) -> float: ...
    def measure(self, count: int) -> float:
        """Seconds from before the first enqueue to the end of the last job."""

    def freeze(self) -> None: ...
    def thaw(self) -> None: ...
    def stop(self) -> None: ...


class _Programs:
    """Worker processes that are frozen and thawed together."""

    programs: Sequence[Program] = ()
    ready = " ready."

    def start(self) -> None:
        for program in self.programs:
            program.start()
        for program in self.programs:
            program.wait_until(self.ready, 120)

    def cpu_seconds(self) -> float:
        """What the worker processes have used so far, children included."""
        return sum(program.cpu_seconds() for program in self.programs)

    def freeze(self) -> None:
        for program in self.programs:
            program.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        for program in self.programs:
            program.signal(signal.SIGCONT)

    def stop(self) -> None:
        for program in self.programs:
            program.stop()


class Levqor(_Programs):
    """Our engine: `processes` Celery workers as the Procfile starts them, runs started through `start_run`."""

    def __init__(
        self, platform: Platform, slug: str, processes: int, pool: str = "threads", concurrency: int = 16
    ) -> None:
        self.name, self._platform, self._slug = f"levqor {slug}", platform, slug
        self.programs = [
            platform.worker(f"worker{number}", pool=pool, concurrency=concurrency) for number in range(processes)
        ]
        self._database = psycopg.connect(platform.environment["DATABASE_URL"], autocommit=True)

    def measure(self, count: int) -> float:
        began = time.perf_counter()
        self._platform.call("tests.benchmarks.actions:enqueue", slug=self._slug, count=count)
        eventually(self._idle, PATIENCE, f"{count} runs of {self._slug}", every=LOOK_EVERY)
        return time.perf_counter() - began

    def _idle(self) -> bool:
        row = self._database.execute(
            "SELECT NOT EXISTS (SELECT 1 FROM workflows_run WHERE finished_at IS NULL)"
        ).fetchone()
        return bool(row and row[0])

    def stop(self) -> None:
        super().stop()
        self._database.close()


class Dbos(_Programs):
    """DBOS on the same PostgreSQL server: `processes` workers on its queue, a client that enqueues."""

    ready = "dbos worker ready."

    def __init__(self, platform: Platform, database: str, processes: int) -> None:
        self.name, self._url = "dbos", database
        command = (sys.executable, "-m", "tests.benchmarks.dbos_app", "worker", database)
        self.programs = [
            platform.program(f"dbos{number}", *command, DBOS__VMID=f"bench{number}") for number in range(processes)
        ]
        self._producer: subprocess.Popen[str] | None = None
        self._environment = platform.environment

    def start(self) -> None:
        self.programs[0].start().wait_until(self.ready, 120)  # makes its tables
        for program in self.programs[1:]:
            program.start().wait_until(self.ready, 120)
        self._producer = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.dbos_app", "producer", self._url],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._database = psycopg.connect(self._url, autocommit=True)

    def measure(self, count: int) -> float:
        assert self._producer is not None
        assert self._producer.stdin is not None
        assert self._producer.stdout is not None
        began = time.perf_counter()
        self._producer.stdin.write(f"{count}\n")
        self._producer.stdin.flush()
        assert self._producer.stdout.readline(), "DBOS' producer died"
        eventually(self._idle, PATIENCE, f"{count} workflows on DBOS", every=LOOK_EVERY)
        return time.perf_counter() - began

    def _idle(self) -> bool:
        row = self._database.execute(
            "SELECT NOT EXISTS (SELECT 1 FROM dbos.workflow_status WHERE status <> 'SUCCESS')"
        ).fetchone()
        return bool(row and row[0])

    def stop(self) -> None:
        super().stop()
        if self._producer is not None:
            assert self._producer.stdin is not None
            assert self._producer.stdout is not None
            self._producer.stdin.close()
            self._producer.stdout.close()
            self._producer.wait(timeout=20)
            self._database.close()


class BareCelery(_Programs):
    """Celery without us: prefork with `processes` children, a task that does nothing, the same Redis."""

    def __init__(self, platform: Platform, broker: str, processes: int) -> None:
        self.name, self._platform = "bare celery", platform
        options = ["--pool", "prefork", "--concurrency", str(processes), "--hostname", "bare@%h"]
        command = ("celery", "--app", "tests.benchmarks.bare_celery", "worker", *options, "--without-gossip")
        self.programs = [
            platform.program("bare", *command, "--without-mingle", "--loglevel", "INFO", BARE_BROKER=broker)
        ]
        self._redis = redis.Redis.from_url(broker)

    def measure(self, count: int) -> float:
        began = time.perf_counter()
        self._platform.call("tests.benchmarks.actions:bare", count=count)
        eventually(self._idle, PATIENCE, f"{count} bare tasks", every=LOOK_EVERY)
        return time.perf_counter() - began

    def _idle(self) -> bool:
        return not self._redis.llen("bare") and not self._redis.hlen("unacked")

    def stop(self) -> None:
        super().stop()
        self._redis.close()
