"""How objectives stand and stood, for charts."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Sum

from apps.core.clock import now
from apps.monitoring.models import Objective, SloSample

BUDGET_WINDOW = timedelta(days=14)
MOST_POINTS = 30_000


@dataclass(frozen=True)
class Standing:
    """An objective, its latest look, and which share of its allowance of two weeks is left (below 0: overdrawn)."""

    objective: Objective
    latest: SloSample | None
    budget_left: float | None


def slo_series(code: str, since: datetime, until: datetime | None = None) -> list[SloSample]:
    """The looks at one objective, the oldest first: every five minutes."""
    rows = SloSample.objects.filter(objective_id=code, at__gte=since, at__lte=until or now())
    return list(rows.order_by("at")[:MOST_POINTS])


def standings() -> list[Standing]:
    """All that are watched. A look covers five minutes: together they are the two weeks."""
    from_ = now() - BUDGET_WINDOW
    found = []
    for objective in Objective.objects.filter(enabled=True).order_by("code"):
        looks = SloSample.objects.filter(objective=objective, at__gt=from_)
        sums = looks.aggregate(total=Sum("total"), bad=Sum("bad"))
        total, bad = sums["total"] or 0, sums["bad"] or 0
        allowed = total * (1 - float(objective.target) / 100)
        latest = SloSample.objects.filter(objective=objective).order_by("-at").first()
        found.append(Standing(objective, latest, 1 - bad / allowed if allowed else None))
    return found
