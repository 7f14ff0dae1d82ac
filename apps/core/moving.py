"""Carrying all rows of one database to another, exactly: no signals, no `save`, no natural keys.

Values travel in Python's form between the two backends; encrypted and JSON columns travel as stored text. Everything is
written and verified in one transaction of the target: either all rows are there, or none.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import dj_database_url
from django.apps import apps as django_apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import DataError, IntegrityError, connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.db.models.functions import Cast
from django.db.utils import ConnectionHandler
from django.utils.translation import gettext as _

from apps.core.crypto import EncryptedTextField
from apps.core.errors import ConflictError

if TYPE_CHECKING:
    Field = models.Field[Any, Any]
else:
    Field = models.Field

SOURCE, TARGET = "default", "target"
CHUNK = 1000
MARK = ("levqor", "move_database_unfinished")


class MoveRefusedError(ConflictError):
    """The move can't begin, or its copy differs; the source is as it was and the target holds none of its rows."""

    code = "move_refused"


@dataclass(frozen=True)
class Moved:
    """One table that was carried over and verified."""

    table: str
    rows: int
    checksum: str


class _AsStored(models.TextField):
    """A column's text as the database holds it."""


@contextmanager
def target_connection(url: str) -> Iterator[BaseDatabaseWrapper]:
    """A connection to the database at a URL, under the alias "target". Raises `MoveRefusedError` for a bad URL."""
    try:
        parsed = dj_database_url.parse(url)
    except ValueError as error:
        raise MoveRefusedError(_("“%(url)s” is no database URL.") % {"url": url}) from error
    options = settings.DATABASES[SOURCE].get("OPTIONS") if "sqlite" in str(parsed["ENGINE"]) else None
    if options and "sqlite" in settings.DATABASES[SOURCE]["ENGINE"]:
        parsed["OPTIONS"] = options
    filled = ConnectionHandler({SOURCE: {}, TARGET: dict(parsed)}).settings[TARGET]
    connections.settings[TARGET] = filled
    try:
        connection = connections[TARGET]
        connection.ensure_connection()
        yield connection
    finally:
        connections[TARGET].close()
        del connections[TARGET]
        del connections.settings[TARGET]


def move(target: BaseDatabaseWrapper, tell: Callable[[str], None]) -> list[Moved]:
    """Migrate the target and carry every row over. Raises `MoveRefusedError`."""
    source = connections[SOURCE]
    _check(source, target)
    recorder = MigrationRecorder(target)
    recorder.ensure_schema()
    if MARK not in recorder.applied_migrations():
        recorder.record_applied(*MARK)
    tell("creating tables")
    call_command("migrate", database=TARGET, interactive=False, verbosity=0)
    call_command("createcachetable", database=TARGET, verbosity=0)
    tables, moved = _models(), []
    with transaction.atomic(using=SOURCE), transaction.atomic(using=TARGET):
        _freeze(source)
        _empty(target, tables)
        for model in tables:
            moved.append(_carry(model, source, target))
            tell(f"{moved[-1].table}: {moved[-1].rows} rows")
        _check_relations(target)
        with target.cursor() as cursor:
            for statement in target.ops.sequence_reset_sql(no_style(), tables):
                cursor.execute(statement)
        recorder.record_unapplied(*MARK)
    return moved


def _check_relations(target: BaseDatabaseWrapper) -> None:
    """What the commit would check, while it can still be told in one line."""
    try:
        target.check_constraints()
    except IntegrityError as error:
        reason = str(error).strip().splitlines()[0]
        raise MoveRefusedError(_("A row refers to one that is not there: %(reason)s") % {"reason": reason}) from error


def left_behind(source: BaseDatabaseWrapper) -> list[str]:
    """Tables of the source that belong to no model (besides the cache and Django's own book-keeping)."""
    known = {model._meta.db_table for model in _models()} | {"django_migrations", "levqor_cache"}
    return sorted(set(source.introspection.table_names()) - known)


def _check(source: BaseDatabaseWrapper, target: BaseDatabaseWrapper) -> None:
    same = [source.settings_dict[name] == target.settings_dict[name] for name in ("NAME", "HOST", "PORT", "ENGINE")]
    if all(same):
        raise MoveRefusedError(_("Source and target are the same database."))
    executor = MigrationExecutor(source)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise MoveRefusedError(_("The source is not up to date: run manage.py migrate first."))
    if target.introspection.table_names() and MARK not in MigrationRecorder(target).applied_migrations():
        raise MoveRefusedError(_("The target is not empty. Give an empty database, or drop what is in it."))


def _models() -> list[type[models.Model]]:
    """Every model with a table of its own, many-to-many tables included, by table name.

    The order is free: Django's foreign keys are deferred to the commit, on PostgreSQL and on SQLite.
    """
    found = [
        model
        for model in django_apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and not model._meta.swapped
    ]
    return sorted(found, key=lambda model: model._meta.db_table)


def _freeze(source: BaseDatabaseWrapper) -> None:
    """One consistent picture: SQLite's `BEGIN IMMEDIATE` keeps writers out, PostgreSQL takes a snapshot."""
    if source.vendor == "postgresql":
        with source.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def _empty(target: BaseDatabaseWrapper, tables: list[type[models.Model]]) -> None:
    """Remove what migrations and an unfinished move wrote."""
    with target.cursor() as cursor:
        for model in tables:
            cursor.execute(f"DELETE FROM {target.ops.quote_name(model._meta.db_table)}")


def _carry(model: type[models.Model], source: BaseDatabaseWrapper, target: BaseDatabaseWrapper) -> Moved:
    fields = _columns(model)
    quote = target.ops.quote_name
    names = ", ".join(quote(str(field.column)) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    statement = f"INSERT INTO {quote(model._meta.db_table)} ({names}) VALUES ({places})"
    sent = _Checksum(fields)
    with target.cursor() as cursor:
        batch: list[list[Any]] = []
        for row in _rows(model, fields, source.alias):
            sent.add(row)
            batch.append([_prepared(field, value, target) for field, value in zip(fields, row, strict=True)])
            if len(batch) == CHUNK:
                _insert(cursor, statement, batch, model)
                batch = []
        _insert(cursor, statement, batch, model)
    arrived = _Checksum(fields)
    for row in _rows(model, fields, target.alias):
        arrived.add(row)
    if (sent.rows, sent.total) != (arrived.rows, arrived.total):
        raise MoveRefusedError(
            _("%(table)s differs after the copy (%(sent)s rows sent, %(arrived)s arrived): nothing was kept.")
            % {"table": model._meta.db_table, "sent": sent.rows, "arrived": arrived.rows}
        )
    return Moved(model._meta.db_table, arrived.rows, arrived.hex)


def _insert(cursor: Any, statement: str, batch: list[list[Any]], model: type[models.Model]) -> None:
    if not batch:
        return
    try:
        cursor.executemany(statement, batch)
    except (DataError, ValueError) as error:  # for example a NUL character, which PostgreSQL's text can't hold
        reason = str(error).strip().splitlines()[0]
        raise MoveRefusedError(
            _("%(table)s holds a value that the target can't: %(reason)s")
            % {"table": model._meta.db_table, "reason": reason}
        ) from error


def _columns(model: type[models.Model]) -> list[Field]:
    return [field for field in model._meta.local_concrete_fields if not getattr(field, "generated", False)]


def _travels_as_text(field: Field) -> bool:
    return isinstance(field, EncryptedTextField | models.JSONField)


def _rows(model: type[models.Model], fields: list[Field], alias: str) -> Iterator[tuple[Any, ...]]:
    """All rows of the model's own table, column by column."""
    texts = {f"_stored_{field.attname}": Cast(field.name, _AsStored()) for field in fields if _travels_as_text(field)}
    names = [f"_stored_{field.attname}" if _travels_as_text(field) else field.attname for field in fields]
    rows = models.QuerySet(model, using=alias).order_by("pk").annotate(**texts)
    yield from rows.values_list(*names).iterator(chunk_size=CHUNK)


def _prepared(field: Field, value: Any, target: BaseDatabaseWrapper) -> Any:
    return value if _travels_as_text(field) else field.get_db_prep_save(value, connection=target)


class _Checksum:
    """A sum over rows that does not depend on their order (databases sort text differently)."""

    def __init__(self, fields: list[Field]) -> None:
        self._is_json = [isinstance(field, models.JSONField) for field in fields]
        self.rows = 0
        self.total = 0

    def add(self, row: tuple[Any, ...]) -> None:
        """Count one row in."""
        words = [_canonical(value, json_text) for value, json_text in zip(row, self._is_json, strict=True)]
        digest = hashlib.sha256("\x1f".join(words).encode("utf-8", "surrogatepass")).digest()
        self.total = (self.total + int.from_bytes(digest, "big")) % (1 << 256)
        self.rows += 1

    @property
    def hex(self) -> str:
        """A short form for people to compare."""
        return f"{self.total:064x}"[:16]


def _canonical(value: Any, json_text: bool) -> str:
    if value is None:
        return "\x00"
    if json_text:
        loaded = json.loads(value, parse_float=Decimal, parse_int=Decimal)
        return json.dumps(loaded, sort_keys=True, default=lambda number: f"\x00{number.normalize()}")
    if isinstance(value, memoryview | bytes | bytearray):
        return bytes(value).hex()
    return str(value)
