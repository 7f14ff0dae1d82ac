"""`make run`: brings the installation up to date, then keeps its processes alive until Ctrl-C."""

import os
import sys
import time
from pathlib import Path
from typing import Any

from celery import current_app
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection, connections
from kombu.exceptions import OperationalError as BrokerError

from apps.core import seeds
from apps.core.errors import ConflictError, DomainError
from apps.core.preparation import Preparation
from apps.core.running import RunningLock
from apps.monitoring.metrics import folder as metrics_folder
from levqor.parent import Parent
from levqor.settings import payments
from levqor.supervisor import Supervisor, port_is_free, read_procfile

FAKE = "stripe_fake"  # its line in the Procfile


class UnreachableError(DomainError):
    """A service that the settings name does not answer."""

    code, status = "unreachable", 503


class Command(BaseCommand):
    """Second starts skip what is up to date."""

    help = "Migrate, load demo data, collect static files, then run and supervise web, worker, beat and watchdog."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """`--end-with-parent` is for make, which passes no Ctrl-C on."""
        parser.add_argument(
            "--end-with-parent",
            action="store_true",
            help="Stop as well when the process that started this one is interrupted or gone.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        started, parent = time.monotonic(), Parent() if options["end_with_parent"] else None
        self._check_ports("make run" if parent else "python manage.py start")
        with RunningLock(settings.VAR_DIR):
            metrics_folder.empty()  # none of the processes runs whose counts lie there
            self._check_services()
            Preparation(self.stdout).run(demo=settings.DEMO)
            connections.close_all()
            raise SystemExit(self._supervise(started, parent))

    # Before -----------------------------------------------------------------------------------------------------------
    def _check_ports(self, command: str) -> None:
        env = settings.ENV
        ports = {"PORT": env.PORT}
        if payments.fake_runs_here(env):
            ports["STRIPE_FAKE_PORT"] = payments.fake_port(env)
        for name, port in ports.items():
            try:
                free = port_is_free(env.HOST, port)
            except OSError as error:
                raise UnreachableError(f"can't listen on {env.HOST}:{port}: {error.strerror}") from None
            if not free:
                other = max(ports.values()) + 1
                raise ConflictError(f"port {port} is in use; choose another, for example: {name}={other} {command}")

    def _check_services(self) -> None:
        connection.ensure_connection()
        if not settings.ENV.REDIS_URL:
            return
        try:
            with current_app.connection_for_write() as link:
                link.ensure_connection(max_retries=1, timeout=3)
        except (BrokerError, OSError) as error:
            raise UnreachableError(f"REDIS_URL: no connection: {error}") from None

    # While ------------------------------------------------------------------------------------------------------------
    def _supervise(self, started: float, parent: Parent | None) -> int:
        env = settings.ENV
        host = "127.0.0.1" if env.HOST in ("0.0.0.0", "::") else env.HOST  # noqa: S104 - compared, not bound
        commands = read_procfile(settings.BASE_DIR / "Procfile")
        notes = []
        if payments.fake_runs_here(env):
            notes.append(f"Test payments: {payments.fake_page_url(env)}   (no money moves)")
        else:
            del commands[FAKE]
        logins = seeds.outcomes() if settings.DEMO else []
        connections.close_all()

        def ready() -> None:
            lines = ["", f"Levqor is ready: {settings.SITE_URL}   (after {time.monotonic() - started:.1f} s)"]
            lines += [line for text in logins for line in text.splitlines()] + notes
            self.stdout.write("\n".join([*lines, "Ctrl-C stops everything.", ""]))
            self.stdout.flush()

        self.stdout.write("starting web, worker, beat and watchdog …")
        self.stdout.flush()
        supervisor = Supervisor(
            commands=commands,
            environment=child_environment(),
            directory=settings.BASE_DIR,
            ready_address=(host, env.PORT),
            ready_host=settings.ALLOWED_HOSTS[0].lstrip(".").replace("*", "localhost"),
            on_ready=ready,
            ends_with=parent,
        )
        return supervisor.run()


def child_environment() -> dict[str, str]:
    """What the Procfile's commands see: our environment, the checked settings, and this Python's programs first."""
    env = settings.ENV
    chosen = {
        name: str(getattr(env, name))
        for name in ("HOST", "PORT", "WEB_WORKERS", "WEB_THREADS", "WORKER_POOL", "WORKER_CONCURRENCY", "LOG_FORMAT")
    }
    if payments.fake_runs_here(env):
        chosen |= payments.fake_environment(env, settings.SECRET_KEY)
    programs = str(Path(sys.executable).parent)
    colour = {"FORCE_COLOR": "1"} if sys.stdout.isatty() and "NO_COLOR" not in os.environ else {}
    path = os.pathsep.join([programs, os.environ.get("PATH", "")])
    return {**os.environ, **chosen, **colour, "PATH": path, "PYTHONUNBUFFERED": "1"}
