"""A PostgreSQL of our own on a free port, to be killed: the one that other tests use stays as it is."""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from types import TracebackType

import psycopg

from tests.common.processes import Program, eventually, free_port


def _programs() -> Path:
    """Where `initdb` and `postgres` are: distributions keep them off the path."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not versions:
        raise RuntimeError("no initdb: these tests start a PostgreSQL of their own")
    return versions[-1].parent


class PostgresServer:
    """Use as a context manager."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self._binaries = _programs()
        self._as = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []  # it refuses to run as root

    @property
    def url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/postgres"

    def __enter__(self) -> "PostgresServer":
        self.folder.mkdir(parents=True)
        data = self.folder / "data"
        if self._as:
            shutil.chown(self.folder, "postgres", "postgres")
            for parent in self.folder.parents:  # pytest keeps its folders to its own user
                if str(parent).startswith("/tmp/"):  # noqa: S108
                    parent.chmod(parent.stat().st_mode | 0o011)
        made = [*self._as, str(self._binaries / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-N"]
        subprocess.run(made, check=True, capture_output=True, cwd="/")
        options = {"unix_socket_directories": "", "fsync": "off", "listen_addresses": "127.0.0.1", "port": self.port}
        given = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        command = [*self._as, str(self._binaries / "postgres"), "-D", str(data), *given]
        self.program = Program("postgres", command, os.environ, self.folder)
        return self.start()

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.program.stop()

    def start(self) -> "PostgresServer":
        """Start, and wait until it answers."""
        self.program.start()
        eventually(self._answers, 30, "PostgreSQL answers")
        return self

    def crash(self) -> None:
        """An immediate end: nobody is served to the end, and the next start has to recover."""
        self.program.signal(signal.SIGQUIT)
        eventually(lambda: not self.program.running, 10, "PostgreSQL ends")

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            assert self.program.running, f"PostgreSQL ended early:\n{self.program.tail()}"
            return False
        return True
