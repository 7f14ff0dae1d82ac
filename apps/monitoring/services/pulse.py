"""The weekly pulse: every metric that some app contributes, computed, kept and mailed."""

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

import structlog
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core.clock import now
from apps.core.kinds import PulseMetric
from apps.core.registry import registry
from apps.core.scrubbing import scrub
from apps.monitoring.models import PulseReport, PulseValue
from apps.monitoring.selectors.pulse import Standing, standings
from apps.monitoring.services.mailing import mail_report
from apps.monitoring.spans import PULSE_WEEK, Span, ended

log = structlog.get_logger(__name__)

EXACT = Decimal("0.0001")


class PulseIncompleteError(RuntimeError):
    """Some metrics could not be computed; the others are kept."""


def weekly_pulse(slot: datetime) -> str:
    """The job: the week that ended last, kept and mailed once.

    Raises `PulseIncompleteError` when a metric failed, so that the job is tried again; what is there is kept.
    """
    report, failed = collect(ended(PULSE_WEEK, slot))
    if failed:
        raise PulseIncompleteError(f"{report}: {'; '.join(failed)}")
    found = standings(report)
    mail(report, found)
    return f"{report} ({report.dates}): {_told(found)}"


def _told(found: list[Standing]) -> str:
    """How many figures, and how many moved, where there is a week before to tell by."""
    count = ngettext("%(count)d figure", "%(count)d figures", len(found)) % {"count": len(found)}
    if all(one.previous is None for one in found):
        return count + ", " + _("no week before to compare with")
    moved = sum(one.change not in (None, 0) for one in found)
    return count + ", " + _("%(moved)d of them changed since the week before") % {"moved": moved}


def collect(span: Span) -> tuple[PulseReport, list[str]]:
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
        try:
            value = metric.compute(span.start, span.end)
        except Exception as error:
            log.warning("pulse_metric_failed", metric=metric.name, exc_info=True)
            failed.append(scrub(f"{metric.name}: {type(error).__name__}: {error}")[:300])
            continue
        if value is not None:
            found.append(_row(report, metric, value))
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
        title=_("Weekly pulse %(week)s, %(dates)s") % {"week": report, "dates": report.dates},
        summary=f"{_told(found)}.",
        figures=[(one.label, one.text, one.change_text) for one in found],
        url=reverse("admin:monitoring_pulsereport_change", args=[report.pk]),
    )
