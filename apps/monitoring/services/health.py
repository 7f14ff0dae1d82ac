"""All health checks every six hours, and the nightly log of how the system is."""

from datetime import UTC, datetime
from typing import Any

import structlog
from django.utils.translation import gettext as _

from apps.core.clock import now
from apps.core.health import examine
from apps.core.kinds import Gauge, HealthCheck, PulseMetric
from apps.core.models import EventDelivery, JobRun
from apps.core.registry import registry
from apps.core.rows import count_up_to
from apps.core.staff.figures import MOST_COUNTED
from apps.monitoring.intervals import DAY, Span, whole_days
from apps.monitoring.models import HealthRun
from apps.monitoring.selectors.metrics import computed
from apps.monitoring.services.looking import Seen, alarm, forget, keep, named, summary
from apps.notifications.models import Alert

log = structlog.get_logger(__name__)

CHECK_ALERT = "health_check_failed"
HOURS = 6  # between two looks at all checks
RUNS = ("runs", "runs_failed", "api_calls")  # metrics that the log tells of the day, where some app has them
MOST_GAUGES = 80  # values that the log keeps


def examine_all() -> list[Seen]:
    """Every check that some app contributes."""
    checks = sorted(registry(HealthCheck).all(), key=lambda check: check.name)
    return [Seen(check.name, str(check.label), *examine(check)) for check in checks]


def health_monitor(slot: datetime) -> str:
    """The job: keep what was seen and what changed; an alarm for each check that fails.

    What fails is told by its alarm, not by a failed job: looking did not fail.
    """
    moment = slot.astimezone(UTC)
    seen = examine_all()
    run = keep(
        HealthRun.Kind.MONITOR,
        moment.replace(hour=moment.hour - moment.hour % HOURS, minute=0, second=0, microsecond=0),
        seen,
    )
    alarm(CHECK_ALERT, seen)
    forget(HealthRun.Kind.MONITOR)
    changed = [result.label for result in run.results.all() if result.changed]
    words = _("%(count)d changed") % {"count": len(changed)}
    return f"{run.summary}; {named(words, changed) if changed else words}"


def system_health_log(slot: datetime) -> str:
    """The job: the night's entry in the log of how the system is, with the day's trouble in numbers."""
    night = slot.astimezone(UTC).date()
    span = whole_days(night - DAY, night - DAY)
    figures = {**counts(span), **_day_of(span), "gauges": gauges()}
    seen = examine_all()
    keep(HealthRun.Kind.LOG, whole_days(night, night).start, seen, figures)
    forget(HealthRun.Kind.LOG)
    words = _("%(summary)s; the day before: %(done)d jobs done, %(failed)d failed, alarms: %(alerts)d")
    return words % {
        "summary": summary(seen),
        "done": figures["jobs_done"],
        "failed": figures["jobs_failed"],
        "alerts": figures["alerts_opened"],
    }


def counts(span: Span) -> dict[str, int]:
    """What jobs, alarms and deliveries came to; each counted to a limit."""
    jobs = JobRun.objects.filter(slot__gte=span.start, slot__lt=span.end)
    due = EventDelivery.objects.filter(state=EventDelivery.State.PENDING, due_at__lte=now())
    dead = EventDelivery.objects.filter(state=EventDelivery.State.DEAD)
    return {
        "jobs_done": jobs.filter(state=JobRun.State.SUCCEEDED).count(),
        "jobs_failed": jobs.filter(state=JobRun.State.FAILED).count(),
        "alerts_opened": Alert.objects.filter(began_at__gte=span.start, began_at__lt=span.end).count(),
        "alerts_open": count_up_to(Alert.objects.filter(resolved_at=None), MOST_COUNTED),
        "deliveries_due": count_up_to(due, MOST_COUNTED),
        "deliveries_dead": count_up_to(dead, MOST_COUNTED),
    }


def _day_of(span: Span) -> dict[str, int | None]:
    found = ((name, registry(PulseMetric).find(name)) for name in RUNS)
    return {name: _whole(computed(metric, span).value) for name, metric in found if metric is not None}


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def gauges() -> dict[str, float]:
    """Queues and the like at this moment, by "name" or "name{label,label}". One that breaks is left out, and logged."""
    values: dict[str, float] = {}
    for gauge in sorted(registry(Gauge).all(), key=lambda one: one.name):
        try:
            read = gauge.read()
        except Exception:  # the log of a night with trouble is the one that is wanted
            log.warning("gauge_failed", gauge=gauge.name, exc_info=True)
            continue
        for labels, value in read.items():
            values[f"{gauge.name}{{{','.join(labels)}}}" if labels else gauge.name] = value
    return dict(list(values.items())[:MOST_GAUGES])
