"""Work on rows that costs the same however many there are."""

from typing import Any

from django.db.models import QuerySet

BATCH = 2_000


def count_up_to(rows: QuerySet[Any], most: int) -> int:
    """How many there are; `most` where there are more."""
    return int(rows.order_by().values("pk")[:most].count())


def delete_in_batches(rows: QuerySet[Any]) -> int:
    """Delete them in their order, each batch for itself. Returns how many, without what went with them.

    Asked again for its condition, a row stays that does not fulfil it any more.
    """
    total = 0
    while batch := list(rows.values_list("pk", flat=True)[:BATCH]):
        total += rows.filter(pk__in=batch).delete()[1].get(rows.model._meta.label, 0)
    return total
