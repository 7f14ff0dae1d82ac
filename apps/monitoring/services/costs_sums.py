"""A day's columns are the sums of its lines."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db.models import Sum

from apps.monitoring.models import Category, CostDay, CostLine
from apps.monitoring.models.costs import TAX

COLUMNS = (*Category.values, TAX)
BATCH = 500


def add_up(rows: Sequence[CostDay]) -> None:
    """Store the sums of these days by category."""
    for start in range(0, len(rows), BATCH):
        some = rows[start : start + BATCH]
        found: dict[Any, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        lines = CostLine.objects.filter(cost_day__in=[row.pk for row in some], kind=CostLine.Kind.COST).order_by()
        for key, category, amount in lines.values_list("cost_day", "category").annotate(sum=Sum("amount")):
            found[key][category] = amount
        for row in some:
            for column in COLUMNS:
                setattr(row, column, found[row.pk][column])
        CostDay.objects.bulk_update(some, COLUMNS)
