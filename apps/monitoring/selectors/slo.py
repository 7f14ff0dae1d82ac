"""How objectives stand and stood, for charts."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import OuterRef, Subquery, Sum

from apps.core.clock import now
from apps.monitoring.models import Objective, SloSample

BUDGET_WINDOW = timedelta(days=14)
MOST_POINTS = 30_000


@dataclass(frozen=True)
class Standing:
    """An objective, its latest look, and which share of its allowance of two weeks is left.

    Below 0 it is overdrawn; None says that there were too few requests to say.
    """

    objective: Objective
    latest: SloSample | None
    budget_left: float | None


def slo_series(code: str, since: datetime, until: datetime | None = None) -> list[SloSample]:
    """The looks at one objective, the oldest first: every five minutes."""
    rows = SloSample.objects.filter(objective_id=code, at__gte=since, at__lte=until or now())
    return list(rows.order_by("at")[:MOST_POINTS])


def standings() -> list[Standing]:
    """All that are watched, in three queries. A look covers five minutes: together they are the two weeks."""
    looks = SloSample.objects.filter(at__gt=now() - BUDGET_WINDOW)
    newest = looks.filter(objective=OuterRef("pk")).order_by("-at")
    objectives = Objective.objects.filter(enabled=True).annotate(newest_look=Subquery(newest.values("pk")[:1]))
    rows = list(objectives.order_by("code"))
    sums = {
        row["objective"]: (row["total"], row["bad"])
        for row in looks.order_by().values("objective").annotate(total=Sum("total"), bad=Sum("bad"))
    }
    latest = SloSample.objects.in_bulk([row.newest_look for row in rows if row.newest_look])
    return [_standing(row, latest.get(row.newest_look), *sums.get(row.pk, (0, 0))) for row in rows]


def _standing(objective: Objective, latest: SloSample | None, total: int, bad: int) -> Standing:
    """Of few requests nothing is said, as by the watchdog: one slow call would overdraw the allowance."""
    allowed = total * (1 - float(objective.target) / 100)
    return Standing(objective, latest, 1 - bad / allowed if total >= max(objective.fewest, 1) else None)
