"""Reads of the weekly pulse."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from apps.core.kinds import PulseMetric
from apps.core.registry import registry
from apps.monitoring.figures import shown, shown_change
from apps.monitoring.models import PulseReport, PulseValue


@dataclass(frozen=True)
class Standing:
    """A figure of a week beside that of the week before, which is None where it was not counted then."""

    metric: str
    label: str
    product: str
    unit: str
    value: Decimal
    previous: Decimal | None
    better: str = "up"

    @property
    def change(self) -> Decimal | None:
        """How much it moved."""
        return None if self.previous is None else self.value - self.previous

    @property
    def percent(self) -> Decimal | None:
        """The same as a share of what it was; None where it came from nothing."""
        return self.change * 100 / abs(self.previous) if self.change is not None and self.previous else None

    @property
    def tone(self) -> str:
        """Whether that is good news: ok, bad, or nothing."""
        if not self.change:
            return ""
        return "ok" if (self.change > 0) == (self.better == "up") else "bad"

    @property
    def text(self) -> str:
        """The value for people."""
        return shown(self.value, self.unit)

    @property
    def previous_text(self) -> str:
        """The week before, for people."""
        return "—" if self.previous is None else shown(self.previous, self.unit)

    @property
    def change_text(self) -> str:
        """How much it moved, for people."""
        return shown_change(self.change, self.percent, self.unit)


def standings(report: PulseReport) -> list[Standing]:
    """All figures of a week, as reports list them, with those of the week before. Two queries."""
    week = PulseReport.objects.filter(end=report.start).values("pk")
    before = {row.metric: row.value for row in PulseValue.objects.filter(report__in=week)}
    rows = list(PulseValue.objects.filter(report=report))
    return [
        Standing(row.metric, row.label, row.product, row.unit, row.value, before.get(row.metric), _better(row.metric))
        for row in sorted(rows, key=_place)
    ]


def _better(metric: str) -> str:
    known = registry(PulseMetric).find(metric)
    return known.better if known else "up"


def _place(row: PulseValue) -> tuple[int, str, str]:
    known = registry(PulseMetric).find(row.metric)
    return (known.order if known else 1000, row.product, row.metric)


def latest(most: int = 2) -> list[PulseReport]:
    """The newest weeks, the newest first."""
    return list(PulseReport.objects.order_by("-end")[:most])


def series(metrics: Iterable[str], weeks: int = 26) -> tuple[list[PulseReport], dict[str, dict[object, Decimal]]]:
    """The last weeks, oldest first, and by metric its value in each week (by the report's key). Two queries."""
    reports = list(PulseReport.objects.order_by("-end")[:weeks])[::-1]
    found: dict[str, dict[object, Decimal]] = {metric: {} for metric in metrics}
    rows = PulseValue.objects.filter(metric__in=list(found), report__in=[report.pk for report in reports])
    for metric, report, value in rows.values_list("metric", "report_id", "value"):
        found[metric][report] = value
    return reports, found
