"""A whole platform of its own for one test session: database, broker, folder, processes."""

import json
import os
import shutil
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from tests.common.processes import ROOT, Program, eventually, free_port
from tests.common.surroundings import bare_environment

PROGRAMS = Path(sys.executable).parent
POSTGRES = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")


class RedisServer:
    """A redis-server of our own on a free port. Killed, it has forgotten everything, unless it writes a file."""

    def __init__(self, folder: Path, *, writes: bool = False) -> None:
        binary = shutil.which("redis-server")
        if binary is None:
            raise RuntimeError("redis-server is not installed; these tests start one of their own")
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.file = folder / "appendonlydir" / "appendonly.aof.1.incr.aof"
        options = {"port": self.port, "bind": "127.0.0.1", "dir": folder, "save": ""}
        options |= {"appendonly": "yes" if writes else "no", "appendfsync": "everysec"}
        command = [binary, *(part for name, value in options.items() for part in (f"--{name}", str(value)))]
        self.program = Program("redis", command, os.environ, folder)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> "RedisServer":
        """Start, and wait until it answers."""
        self.program.start().wait_until("Ready to accept connections", 20)
        return self


@contextmanager
def postgres_database(prefix: str) -> Iterator[str]:
    """A new database on the server of TEST_DATABASE_URL; yields its URL and drops it."""
    name = f"{prefix}_{uuid.uuid4().hex[:8]}"
    parts = urlsplit(POSTGRES)
    admin = urlunsplit(parts._replace(path="/postgres"))
    try:
        connection = psycopg.connect(admin, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        raise RuntimeError(f"no PostgreSQL at TEST_DATABASE_URL={POSTGRES}: {error}") from error
    with connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield urlunsplit(parts._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


class Platform:
    """Settings, a driver process for looking in, and programs that are started by name."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = {
            **bare_environment(),
            "PATH": os.pathsep.join([str(PROGRAMS), os.environ.get("PATH", "")]),
            "LEVQOR_VAR": str(folder),
            "DEMO": "false",
            "PYTHONUNBUFFERED": "1",
            "NO_COLOR": "1",
            **settings,
        }
        self.programs: dict[str, Program] = {}
        self._driver: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    # Looking in -----------------------------------------------------------------------------------------------------
    def call(self, function: str, **arguments: Any) -> Any:
        """Run `package.module:name` in the driver process; arguments and result are JSON."""
        with self._lock:
            driver = self._driver or self._start_driver()
            assert driver.stdin is not None
            assert driver.stdout is not None
            driver.stdin.write(json.dumps({"function": function, "arguments": arguments}) + "\n")
            driver.stdin.flush()
            line = driver.stdout.readline()
        assert line, f"the driver died:\n{(self.folder / 'driver.log').read_text()[-3000:]}"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def _start_driver(self) -> "subprocess.Popen[str]":
        with (self.folder / "driver.log").open("ab") as log:
            self._driver = subprocess.Popen(
                [sys.executable, "-m", "tests.common.driver"],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        return self._driver

    # Processes ------------------------------------------------------------------------------------------------------
    def program(self, name: str, *command: str, **settings: str) -> Program:
        """A program of this platform, not started yet."""
        made = Program(name, command, {**self.environment, **settings}, self.folder)
        self.programs[name] = made
        return made

    def worker(self, name: str = "worker", *, pool: str = "threads", concurrency: int = 16, **settings: str) -> Program:
        """A Celery worker as the Procfile starts it."""
        options = ["--pool", pool, "--concurrency", str(concurrency), "--hostname", f"{name}@%h"]
        return self.program(
            name, "celery", "--app", "levqor", "worker", *options, "--without-gossip", "--without-mingle", **settings
        )

    def beat(self, name: str = "beat") -> Program:
        """Celery's beat as the Procfile starts it."""
        return self.program(name, "celery", "--app", "levqor", "beat", "--pidfile", "")

    def web(self) -> Program:
        """The web process as the Procfile starts it."""
        port = self.environment["PORT"]
        options = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", port, "--blocking-threads", "4", "--no-ws"]
        return self.program("web", "granian", *options, "levqor.wsgi:application")

    def stop(self) -> None:
        """End everything that was started here."""
        for program in self.programs.values():
            program.signal(15, group=False)
        for program in self.programs.values():
            program.stop()
        if self._driver is not None:
            assert self._driver.stdin is not None
            assert self._driver.stdout is not None
            self._driver.stdin.close()
            self._driver.stdout.close()
            self._driver.wait(timeout=20)
            self._driver = None


@contextmanager
def running_platform(folder: Path, *, services: bool, **settings: str) -> Iterator[tuple[Platform, RedisServer | None]]:
    """A prepared platform: on PostgreSQL and Redis of our own with `services`, else on SQLite and files."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        redis = None
        if services:
            redis = RedisServer(folder / "redis").start()
            stack.callback(redis.program.stop)
            settings["DATABASE_URL"] = stack.enter_context(postgres_database("levqor_test"))
            settings["REDIS_URL"] = redis.url
        platform = Platform(folder, {"PORT": str(free_port()), **settings})
        stack.callback(platform.stop)
        platform.call("tests.common.preparing:prepare")
        yield platform, redis


__all__ = ["Platform", "RedisServer", "eventually", "postgres_database", "running_platform"]
