"""Several writes, all or none, when a guard row is still as it was seen: one round trip where the database can.

`connection.features` decides: PostgreSQL takes everything as one statement (its writes are common table expressions),
which commits itself; elsewhere, and inside of somebody's transaction, the same writes run one by one in a transaction.
Only the number of round trips differs.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DataError, connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import sql

Change = tuple[models.Model, Sequence[str]]

_NOTHING_GUARDED = "22012"  # division_by_zero: how the one statement says that the guard matched nothing


def store_if(
    guard: models.QuerySet[Any],
    changes: Mapping[str, Any],
    *,
    new: Sequence[models.Model] = (),
    changed: Sequence[Change] = (),
) -> bool:
    """Update the row that `guard` finds by `changes`; if there is one, insert `new` and save the fields of `changed`.

    False when the guard finds no row, and then nothing was written. `new` rows have their primary keys; rows that refer
    to each other stand in the order of insertion.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        return _at_once(connection, guard, changes, new, changed)
    with transaction.atomic():
        if not guard.update(**changes):
            return False
        for model, rows in _by_model(new):
            model._base_manager.bulk_create(rows)
        for row, fields in changed:
            values = {name: getattr(row, name) for name in fields}
            type(row)._base_manager.filter(pk=row.pk).update(**values)
        return True


def _by_model(rows: Iterable[models.Model]) -> Iterable[tuple[type[models.Model], list[models.Model]]]:
    for model, group in groupby(rows, key=type):
        yield model, list(group)


def _at_once(
    connection: BaseDatabaseWrapper,
    guard: models.QuerySet[Any],
    changes: Mapping[str, Any],
    new: Sequence[models.Model],
    changed: Sequence[Change],
) -> bool:
    """The same as one statement: its parts see the database as it was, constraints are checked at its end."""
    text, values = _update(connection, guard, changes)
    parts, parameters = [f"guard AS ({text} RETURNING 1)"], list(values)
    for model, rows in _by_model(new):
        for text, values in _inserts(connection, model, rows):
            parts.append(f"new_{len(parts)} AS ({text})")
            parameters.extend(values)
    for row, fields in changed:
        own, values_of_row = type(row)._base_manager.filter(pk=row.pk), {name: getattr(row, name) for name in fields}
        text, values = _update(connection, own, values_of_row)
        parts.append(f"changed_{len(parts)} AS ({text})")
        parameters.extend(values)
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"WITH {', '.join(parts)} SELECT 1 / (SELECT count(*) FROM guard)", parameters)
    except DataError as error:
        if getattr(error.__cause__, "sqlstate", "") == _NOTHING_GUARDED:
            return False
        raise
    return True


def _update(
    connection: BaseDatabaseWrapper, queryset: models.QuerySet[Any], changes: Mapping[str, Any]
) -> tuple[str, Sequence[Any]]:
    query: Any = queryset.query.chain(sql.UpdateQuery)
    query.add_update_values(dict(changes))
    text, values = query.get_compiler(connection=connection).as_sql()
    return text, values


def _inserts(
    connection: BaseDatabaseWrapper, model: type[models.Model], rows: list[models.Model]
) -> Iterable[tuple[str, Sequence[Any]]]:
    query = sql.InsertQuery(model)
    query.insert_values(model._meta.concrete_fields, rows)
    yield from query.get_compiler(connection=connection).as_sql()
