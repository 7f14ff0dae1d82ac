"""Events enter the database: each with its part of the period's total, and a note that its hour is to be summed up."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection, models

from apps.usage.models import StaleCounter, UsageEvent, UsageHourToSum, UsageTotal

BATCH = 1000


def record_events(events: Sequence[UsageEvent], periods: Sequence[str]) -> None:
    """Store events and what follows from them; `periods` says for each to which total it adds.

    Belongs into a transaction. All who add to totals do so in the same order, so that no two wait for each other.
    """
    UsageEvent.objects.bulk_create(events, batch_size=BATCH)
    totals: Counter[tuple[Any, ...]] = Counter()
    for event, period in zip(events, periods, strict=True):
        totals[event.organization_id, period, event.meter, ""] += event.value
        totals[event.organization_id, period, event.meter, event.category] += event.value
    add(UsageTotal, "total", totals)
    note_hours(events)


def note_hours(events: Iterable[UsageEvent]) -> None:
    """Note the hours of these events as to be summed up."""
    hours = Counter((event.organization_id, event.hour) for event in events)
    add(UsageHourToSum, "noted", hours)


def note_stale(organization_id: Any, period: str) -> None:
    """Note that a counter in Redis does not know of a call."""
    add(StaleCounter, "noted", {(organization_id, period): 1})


def add(model: type[models.Model], column: str, amounts: Mapping[tuple[Any, ...], int]) -> None:
    """Add to a counter column of the rows with these keys, which are made where missing: one statement a batch.

    The keys are the values of the fields of the model's one unique constraint.
    """
    fields = key_fields(model)
    rows = sorted(amounts.items(), key=lambda row: [str(value) for value in row[0]])
    for start in range(0, len(rows), BATCH):
        part = rows[start : start + BATCH]
        values: list[Any] = []
        for key, amount in part:
            values += [*prepared(fields, key), amount]
        row = f"({', '.join(['%s'] * (len(fields) + 1))})"
        with connection.cursor() as cursor:
            cursor.execute(upsert(model, column, ", ".join([row] * len(part))), values)


def upsert(model: type[models.Model], column: str, rows: str) -> str:
    """The statement that adds to `column`; `rows` are the placeholders of its values."""
    table = model._meta.db_table
    names = ", ".join(field.column for field in key_fields(model))
    return (
        f"INSERT INTO {table} ({names}, {column}) VALUES {rows} "
        f"ON CONFLICT ({names}) DO UPDATE SET {column} = {table}.{column} + excluded.{column}"
    )


def key_fields(model: type[models.Model]) -> list[Any]:
    """The fields of the model's unique constraint."""
    (constraint,) = (one for one in model._meta.constraints if isinstance(one, models.UniqueConstraint))
    return [model._meta.get_field(name) for name in constraint.fields]


def prepared(fields: Sequence[Any], key: Sequence[Any]) -> list[Any]:
    """Values as the database's driver takes them."""
    return [field.get_db_prep_value(value, connection) for field, value in zip(fields, key, strict=True)]
