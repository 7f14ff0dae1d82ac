"""Numbers that cost the same on a million rows as on ten."""

from typing import Any

from apps.core.templatetags.levqor import number

MOST_COUNTED = 10_000


def counted(queryset: Any, most: int = MOST_COUNTED) -> str:
    """How many rows there are, counted to `most`: "12", or "10,000+"."""
    found = queryset.order_by().values("pk")[: most + 1].count()
    return f"{number(most)}+" if found > most else number(found)
