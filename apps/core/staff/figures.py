"""Numbers that cost the same on a million rows as on ten."""

from typing import Any

from django.db.models import QuerySet

from apps.core.rows import count_up_to
from apps.core.templatetags.levqor import number

MOST_COUNTED = 10_000


def capped(rows: QuerySet[Any]) -> int:
    """How many rows there are; one more than `MOST_COUNTED` says that there are more."""
    return count_up_to(rows, MOST_COUNTED + 1)


def counted(queryset: Any, most: int = MOST_COUNTED) -> str:
    """How many rows there are, counted to `most`: "12", or "10,000+"."""
    found = count_up_to(queryset, most + 1)
    return f"{number(most)}+" if found > most else number(found)
