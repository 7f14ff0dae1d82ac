"""The watchdog over what the platform promises: every five minutes, from the minutes of requests."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from apps.core.rows import delete_in_batches
from apps.monitoring.models import GaugeSample, Objective, RequestMinute, SloSample
from apps.monitoring.observing.burn import RULES, Counts, Judgement, judge, percentile
from apps.monitoring.selectors import gauge_history
from apps.monitoring.services.requests import OVER, THRESHOLDS
from apps.notifications.services import alerts

SLO_BURNING = "slo_burning"
SAMPLE = timedelta(minutes=5)
SAMPLES_KEPT = timedelta(days=90)
MINUTES_KEPT = timedelta(days=14)

DEFAULTS: tuple[dict[str, Any], ...] = (
    {
        "code": "api-latency",
        "label": "API: 95 % within 200 ms",
        "kind": "latency",
        "scope": "api",
        "target": Decimal(95),
        "threshold_ms": 200,
    },
    {
        "code": "api-availability",
        "label": "API: 99.9 % without a fault",
        "kind": "availability",
        "scope": "api",
        "target": Decimal("99.9"),
    },
    {
        "code": "pages-latency",
        "label": "Pages: 95 % within 500 ms",
        "kind": "latency",
        "scope": "pages",
        "target": Decimal(95),
        "threshold_ms": 500,
    },
    {
        "code": "pages-availability",
        "label": "Pages: 99.9 % without a fault",
        "kind": "availability",
        "scope": "pages",
        "target": Decimal("99.9"),
    },
)


def ensure_objectives() -> int:
    """Make the objectives that every installation begins with; what staff changed stays. Returns how many were made."""
    made = 0
    for values in DEFAULTS:
        _row, created = Objective.objects.get_or_create(code=values["code"], defaults=values)
        made += created
    return made


def slo_watchdog(slot: datetime) -> str:
    """Look at every objective, keep what was seen, raise and end alarms."""
    ensure_objectives()
    seen = []
    for objective in Objective.objects.order_by("code"):
        if not objective.enabled:
            _resolve(objective, None)
            continue
        judgement = weigh(objective, slot)
        severity = judgement.severity
        seen.append(f"{objective.code} {severity or 'ok'}")
    return ", ".join(seen) or "nothing is watched"


def weigh(objective: Objective, slot: datetime) -> Judgement:
    """Judge one objective at one moment, keep what was seen, raise and end its alarms."""
    counts = {window: counted(objective, slot - window, slot) for rule in RULES for window in (rule.long, rule.short)}
    judgement = judge(
        counts.__getitem__,
        float(objective.target / 100),
        known_for=known_for(slot),
        fewest=objective.fewest,
        fewest_bad=objective.fewest_bad,
    )
    recent = counted(objective, slot - SAMPLE, slot)
    SloSample.objects.update_or_create(
        objective=objective,
        at=slot,
        defaults={
            "total": recent.total,
            "bad": recent.bad,
            "p95_ms": p95(objective.scope, slot - SAMPLE, slot),
            **{f"burn_{name}": rate for name, rate in judgement.rates.items()},
            "severity": judgement.severity,
        },
    )
    _alarm(objective, judgement, counts)
    return judgement


def known_for(slot: datetime) -> timedelta:
    """How far back requests were counted, of whatever scope: an API that is called for the first time after a year is
    no new installation."""
    first = RequestMinute.objects.filter(minute__lt=slot).order_by("minute").values_list("minute", flat=True).first()
    return slot - first if first else timedelta(0)


def counted(objective: Objective, start: datetime, end: datetime) -> Counts:
    """Requests of [start, end) and the bad ones among them."""
    bad = "failed" if objective.kind == Objective.Kind.AVAILABILITY else f"over_{objective.threshold_ms}"
    rows = RequestMinute.objects.filter(scope=objective.scope, minute__gte=start, minute__lt=end)
    found = rows.aggregate(total=Sum("total"), bad=Sum(bad))
    return Counts(found["total"] or 0, found["bad"] or 0)


def p95(scope: str, start: datetime, end: datetime) -> int | None:
    """The 95th percentile in milliseconds, between the bounds that are counted."""
    rows = RequestMinute.objects.filter(scope=scope, minute__gte=start, minute__lt=end)
    found = rows.aggregate(total=Sum("total"), **{name: Sum(name) for name in OVER})
    total = found.pop("total") or 0
    return percentile(total, list(zip(THRESHOLDS, (found[name] or 0 for name in OVER), strict=True)), 0.95)


def _alarm(objective: Objective, judgement: Judgement, counts: dict[timedelta, Counts]) -> None:
    """An alarm for each severity: what gets worse is told anew, what gets better ends the worse one."""
    if judgement.alarm is None:
        _resolve(objective, None)
        return
    rule = judgement.alarm
    alerts.fire(
        SLO_BURNING,
        f"{objective.code}:{rule.severity}",
        {
            "label": objective.label,
            "rate": f"{judgement.rates[rule.name]:.1f}",
            "window": rule.name,
            "bad": counts[rule.long].bad,
            "total": counts[rule.long].total,
        },
        severity=rule.severity,
    )
    _resolve(objective, rule.severity)


def _resolve(objective: Objective, but: str | None) -> None:
    for severity in {rule.severity for rule in RULES} - {but}:
        alerts.resolve(SLO_BURNING, f"{objective.code}:{severity}")


def forget(slot: datetime) -> str:
    """Delete what is older than anybody looks at."""
    minutes = delete_in_batches(RequestMinute.objects.filter(minute__lt=slot - MINUTES_KEPT))
    samples = delete_in_batches(SloSample.objects.filter(at__lt=slot - SAMPLES_KEPT))
    values = delete_in_batches(GaugeSample.objects.filter(at__lt=slot - gauge_history.SAMPLES_KEPT))
    return f"{minutes} minutes of requests, {samples} looks at objectives, {values} gauge values"
