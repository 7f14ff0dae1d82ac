"""Reads whose SQL is made once: for what is asked so often that Django's making of it, at each call, is felt."""

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar
from uuid import UUID, uuid4

from django.db import connection, models
from django.db.models.query import get_related_populators

ModelT = TypeVar("ModelT", bound=models.Model)


class CompiledRead(threading.local, Generic[ModelT]):
    """One row by keys. `build` makes the queryset from as many UUIDs, which later ones take the place of.

    Each thread keeps the statement for its own connection. What `build` says besides its keys is said once.
    """

    def __init__(self, build: Callable[..., models.QuerySet[ModelT]], keys: int) -> None:
        self._build = build
        self._marks = [uuid4() for _number in range(keys)]
        self._statement = ""

    def first(self, *keys: UUID) -> ModelT | None:
        """The row, with the related ones that the queryset selects; None where there is none."""
        if not self._statement:
            self._compile()
        values = list(self._values)
        for place, number in self._places:
            values[place] = _stored(keys[number])
        with connection.cursor() as cursor:
            cursor.execute(self._statement, values)
            row = cursor.fetchone()
        return None if row is None else self._made(row)

    def _compile(self) -> None:
        queryset = self._build(*self._marks)
        self._model = queryset.model
        self._compiler = compiler = queryset.query.get_compiler(connection=connection)
        statement, self._values = compiler.as_sql()
        marks = [_stored(mark) for mark in self._marks]
        self._places = [(place, marks.index(value)) for place, value in enumerate(self._values) if value in marks]
        self._converters = compiler.get_converters([expression for expression, *_ in compiler.select])
        fields = compiler.klass_info["select_fields"]
        self._columns = slice(fields[0], fields[-1] + 1)
        self._names = [compiler.select[number][0].target.attname for number in fields]
        self._related = get_related_populators(  # type: ignore[call-arg] # the stubs are those of the next Django
            compiler.klass_info, compiler.select, connection.alias
        )
        self._statement = statement

    def _made(self, row: Any) -> ModelT:
        """As Django's `ModelIterable` makes it."""
        if self._converters:
            row = next(iter(self._compiler.apply_converters([row], self._converters)))
        made: ModelT = self._model.from_db(connection.alias, self._names, row[self._columns])
        for related in self._related:
            related.populate(row, made)
        return made


def _stored(key: UUID) -> UUID | str:
    return key if connection.features.has_native_uuid_field else key.hex
