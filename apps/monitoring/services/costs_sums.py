"""A day's columns are the sums of its lines."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db.models import Sum

from apps.core.kinds import RevenueSource
from apps.core.registry import registry
from apps.monitoring.models import Category, CostDay, CostLine
from apps.monitoring.models.costs import TAX

COLUMNS = (*Category.values, TAX)
BATCH = 500


def add_up(rows: Sequence[CostDay]) -> None:
    """Store the sums of these days by category, and what add-ons brought in."""
    addons = {source.name for source in registry(RevenueSource).all() if source.addon}
    for start in range(0, len(rows), BATCH):
        some = rows[start : start + BATCH]
        costs: dict[Any, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        extra: dict[Any, int] = defaultdict(int)
        lines = CostLine.objects.filter(cost_day__in=[row.pk for row in some]).order_by()
        for key, kind, category, source, amount in lines.values_list("cost_day", "kind", "category", "source").annotate(
            sum=Sum("amount")
        ):
            if kind == CostLine.Kind.COST:
                costs[key][category] += amount
            elif source in addons:
                extra[key] += amount
        for row in some:
            row.addon = extra[row.pk]
            for column in COLUMNS:
                setattr(row, column, costs[row.pk][column])
        CostDay.objects.bulk_update(some, [*COLUMNS, "addon"])
