"""Rows of what the business side of monitoring keeps."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from apps.core.clock import now
from apps.monitoring.models import (
    CostDay,
    CostLine,
    GrowthDay,
    PulseReport,
    PulseValue,
    Report,
    RetainedWeek,
)
from apps.monitoring.reports.document import Document, Figures, Number, Section
from apps.monitoring.spans import PULSE_WEEK, before, ended
from tests.common.costs import fill_costs


def cost_day(day: date, *, bills: int = 0, told: int = 0, **values: Any) -> CostDay:
    """A day that cost so much, by bills that staff entered and by what a source told."""
    row = CostDay.objects.create(day=day, hosting=bills, ai=told, **values)
    lines = (("", "hosting", bills), ("ai", "ai", told))
    CostLine.objects.bulk_create(
        CostLine(cost_day=row, kind="cost", source=source, category=category, label=category, amount=amount)
        for source, category, amount in lines
        if amount
    )
    return row


def pulse_week(values: dict[str, int], at: datetime | None = None) -> PulseReport:
    """The week that was over at a moment, with these figures."""
    span = ended(PULSE_WEEK, at or now())
    report = PulseReport.objects.create(start=span.start, end=span.end)
    PulseValue.objects.bulk_create(
        PulseValue(report=report, metric=name, label=name, product="Tests", unit="count", value=Decimal(value))
        for name, value in values.items()
    )
    return report


def monitor() -> None:
    """One row or two of everything."""
    today, moment = now().astimezone(UTC).date(), now()
    fill_costs()
    latest = ended(PULSE_WEEK, moment)
    pulse_week({"runs": 5}, before(PULSE_WEEK, latest).end)
    pulse_week({"runs": 7, "revenue": 1_900})
    document = Document("Weekly report", "a week", "Good.", [Section("Overview", [Figures([Number("Runs", "7")])])])
    Report.objects.create(
        kind="weekly", start=latest.start, end=latest.end, title="Weekly report", document=document.stored()
    )
    GrowthDay.objects.create(day=today, sign_ups=1, new_organizations=1, active_day=1, active_week=1, active_month=1)
    RetainedWeek.objects.create(cohort=today - timedelta(days=today.weekday()), week=0, size=2, active=1)
