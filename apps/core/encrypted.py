"""Finding and re-encrypting what is stored in encrypted columns. Never loads the rest of a row, never runs `save`."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps as django_apps
from django.db import connection, models, transaction
from django.db.models.functions import Cast

from apps.core.crypto import EncryptedTextField, renewed

BATCH = 500


class _Stored(models.TextField):
    """An encrypted column as the database has it: neither decrypted when read nor encrypted when written."""


def encrypted_columns() -> list[tuple[type[models.Model], EncryptedTextField]]:
    """All encrypted columns of this installation, each where its table is."""
    return [
        (model, field)
        for model in django_apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
        for field in model._meta.local_concrete_fields
        if isinstance(field, EncryptedTextField)
    ]


def as_stored(name: str) -> Cast:
    """An encrypted column's token, for `annotate`: one that no key opens keeps no other row from being read."""
    return Cast(name, _Stored())


def stored_tokens(
    model: type[models.Model], field: EncryptedTextField, *, order: str = "pk", after: Any = None, most: int = BATCH
) -> Iterator[tuple[Any, str]]:
    """(primary key, token) of rows that hold one, in order, those after a key if given."""
    rows = models.QuerySet(model).annotate(_stored=as_stored(field.name)).exclude(_stored="")
    rows = rows.filter(**{f"{field.name}__isnull": False})
    if after is not None:
        rows = rows.filter(pk__gt=after)
    yield from rows.order_by(order).values_list("pk", "_stored")[:most]


def rotate_column(model: type[models.Model], field: EncryptedTextField) -> int:
    """Put every value of a column under the newest key, a batch a transaction. Returns how many values changed.

    A value that somebody changes meanwhile is left alone: theirs is under the newest key anyway. Can be interrupted and
    run again at any time. Raises `DecryptionError` for a value that no key opens; batches before it are done.
    """
    quote, column, key_column = connection.ops.quote_name, str(field.column), str(model._meta.pk.column)
    statement = (
        f"UPDATE {quote(model._meta.db_table)} SET {quote(column)} = %s "
        f"WHERE {quote(key_column)} = %s AND {quote(column)} = %s"
    )
    changed, last = 0, None
    while batch := list(stored_tokens(model, field, after=last)):
        with transaction.atomic(), connection.cursor() as cursor:
            for key, token in batch:
                fresh = renewed(token)
                if fresh != token:
                    cursor.execute(statement, [fresh, model._meta.pk.get_db_prep_value(key, connection), token])
                    changed += cursor.rowcount
        last = batch[-1][0]
    return changed
