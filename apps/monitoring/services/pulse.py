"""The weekly pulse: every metric that some app contributes, computed, kept and mailed."""

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.core.clock import now
from apps.core.kinds import PulseMetric
from apps.core.registry import registry
from apps.monitoring.models import PulseReport, PulseValue
from apps.monitoring.selectors.metrics import Computed, computed
from apps.monitoring.selectors.pulse import Standing, standings
from apps.monitoring.services.mailing import mail_report
from apps.monitoring.spans import PULSE_WEEK, Span, ended

EXACT = Decimal("0.0001")


class PulseIncompleteError(RuntimeError):
    """Some metrics could not be computed; the others are kept."""


def weekly_pulse(slot: datetime) -> str:
    """The job: the week that ended last, kept and mailed once.

    Raises `PulseIncompleteError` when a metric failed, so that the job is tried again; what is there is kept.
    """
    report, failed = collect(ended(PULSE_WEEK, slot))
    if failed:
        raise PulseIncompleteError(f"{report}: {'; '.join(one.failed for one in failed)}")
    found = standings(report)
    mail(report, found)
    moved = sum(one.change not in (None, 0) for one in found)
    return _("%(week)s: %(count)d figures, %(moved)d of them changed since the week before") % {
        "week": report,
        "count": len(found),
        "moved": moved,
    }


def collect(span: Span) -> tuple[PulseReport, list[Computed]]:
    """Compute a week and keep it. Returns the report and what failed.

    Run again, what happened in the week is counted anew. What there was at its end is kept as it was seen first: it
    can't be seen any more.
    """
    report, _created = PulseReport.objects.get_or_create(end=span.end, defaults={"start": span.start})
    seen = set(report.values.values_list("metric", flat=True))
    found, failed = [], []
    for metric in ordered_metrics():
        if metric.measures == "stock" and metric.name in seen:
            continue
        one = computed(metric, span)
        if one.failed:
            failed.append(one)
        elif one.value is not None:
            found.append(_row(report, metric, one.value))
    with transaction.atomic():
        report.values.filter(metric__in=[row.metric for row in found]).delete()
        PulseValue.objects.bulk_create(found)
        PulseReport.objects.filter(pk=report.pk).update(made_at=now())
    return report, failed


def ordered_metrics() -> list[PulseMetric]:
    """All of them, as reports list them."""
    return sorted(registry(PulseMetric).all(), key=lambda metric: (metric.order, str(metric.product), metric.name))


def _row(report: PulseReport, metric: PulseMetric, value: int | Decimal) -> PulseValue:
    exact = Decimal(value).quantize(EXACT, ROUND_HALF_UP)
    words = {"label": str(metric.label)[:120], "product": str(metric.product)[:80]}
    return PulseValue(report=report, metric=metric.name, unit=metric.unit, value=exact, **words)


def mail(report: PulseReport, found: list[Standing]) -> None:
    """Tell staff, once for each week."""
    mail_report(
        f"weekly_pulse:{report.end:%Y-%m-%dT%H:%M}",
        title=_("Weekly pulse %(week)s") % {"week": report},
        summary=_("%(count)d figures, beside those of the week before.") % {"count": len(found)},
        figures=[(one.label, one.text, one.change_text) for one in found],
        url=reverse("admin:monitoring_pulsereport_change", args=[report.pk]),
    )
