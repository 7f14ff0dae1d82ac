"""Bringing an installation up to date, told step by step: what a release and `make run` have in common."""

import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from django.apps import apps
from django.core.management import call_command
from django.core.management.base import OutputWrapper
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.utils.translation import gettext as _

from apps.core import seeds
from apps.core.errors import ConflictError, DomainError
from apps.core.jobs import sync_schedules
from apps.core.kinds import Contribution, Text
from apps.core.registry import registry
from apps.core.static_files import collect

STEP_WIDTH = 14


@dataclass(frozen=True)
class ReleaseStep(Contribution):
    """What each release does besides, once the tables are up to date: returns what came of it, in a few words.

    It must be safe to run again. A `DomainError` is told and stops nothing: a vendor who is away delays no deploy.
    """

    name: str
    label: Text
    run: Callable[[], str]


class MigrationLines(io.TextIOBase):
    """Takes what `migrate` prints and tells how far it is."""

    def __init__(self, total: int, tell: Callable[[str], None]) -> None:
        self._done, self._total, self._tell = 0, total, tell

    def write(self, text: str) -> int:
        if text.strip().startswith("Applying "):
            self._done += 1
            name = text.strip().removeprefix("Applying ").rstrip(".")
            self._tell(f"{'database':<{STEP_WIDTH}} {self._done} of {self._total}: {name}")
        return len(text)


def foreign_migrations(loader: MigrationLoader) -> list[str]:
    """What another history of our own apps has applied to this database: `app.name` of migrations that are not here.

    Nothing would be missing then, while tables differ from what the models say.
    """
    ours = {config.label for config in apps.get_app_configs() if config.name.startswith("apps.")}
    replaced = {old for migration in loader.disk_migrations.values() for old in migration.replaces}
    known = loader.disk_migrations.keys() | replaced
    return [
        f"{app}.{name}" for app, name in sorted(loader.applied_migrations) if app in ours and (app, name) not in known
    ]


class Preparation:
    """The steps, each a line on `out` with its outcome and time. What is up to date is left as it is."""

    def __init__(self, out: OutputWrapper) -> None:
        self._out = out

    def run(self, *, demo: bool) -> None:
        """Migrate, write the schedules, load the demo where wanted, collect static files, do what apps add to it."""
        self._step("database", self._migrate)
        self._step("schedules", lambda: f"{sync_schedules()} changed")
        if demo:
            self._step("demo data", self._seed)
        self._step("static files", lambda: "collected" if collect() else "up to date")
        for step in registry(ReleaseStep).all():
            self._step(str(step.label), partial(_told, step))

    def _step(self, name: str, work: Callable[[], str]) -> None:
        began = time.monotonic()
        self._progress(f"{name:<{STEP_WIDTH}} …")
        outcome = work()
        self._progress("")
        self._say(f"{name:<{STEP_WIDTH}} {outcome} ({time.monotonic() - began:.1f} s)")

    def _say(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()

    def _progress(self, text: str) -> None:
        """A line that the next one replaces; only for people at a terminal."""
        if self._out.isatty():
            self._out.write(f"\r\x1b[2K{text}", ending="")
            self._out.flush()

    def _migrate(self) -> str:
        executor = MigrationExecutor(connection)
        _refuse_foreign(executor.loader)
        missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        if missing:
            self._progress("")
            self._say(f"{'database':<{STEP_WIDTH}} {missing} migrations to apply")
            call_command("migrate", interactive=False, verbosity=1, stdout=MigrationLines(missing, self._progress))
        call_command("createcachetable", verbosity=0)
        return f"{missing} migrations applied" if missing else "up to date"

    def _seed(self) -> str:
        loaded = [name for name, _outcome in seeds.load(again=False)]
        return f"loaded: {', '.join(loaded)}" if loaded else "there already"


def _told(step: ReleaseStep) -> str:
    try:
        return step.run()
    except DomainError as error:
        return _("NOT DONE: %(reason)s") % {"reason": error}


def _refuse_foreign(loader: MigrationLoader) -> None:
    foreign = foreign_migrations(loader)
    if not foreign:
        return
    if connection.vendor == "sqlite":
        aside = _("move %(file)s away to begin anew") % {"file": connection.settings_dict["NAME"]}
    else:
        aside = _("name an empty database in DATABASE_URL to begin anew")
    raise ConflictError(
        _(
            "the database was made by another version of Levqor (%(name)s was applied to it, and is not here): "
            "start the version that made it, or %(aside)s"
        )
        % {"name": foreign[-1], "aside": aside}
    )
